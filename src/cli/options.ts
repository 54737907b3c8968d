import { isIP } from 'node:net';
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Clock } from '../base/clock.ts';
import { createLogger, type LogFormat, type Logger, type LogLevel, logLevels } from '../base/log.ts';

/** An option whose value is one of a few words. */
export const oneOfOption = (flags: string, description: string, words: readonly string[], preset: string): Option =>
  new Option(flags, description).choices(words).default(preset);

export interface LogFlags {
  logLevel: LogLevel;
  logFormat: LogFormat;
}

/** The standalone cluster's name and the folder under which clusters keep their state, for `up` and `down` alike. */
export const defaultName = 'demo';
export const stateRootOption = (): Option =>
  new Option('--state-root <folder>', 'where clusters keep their state, each in a folder of its name')
    .argParser((folder) => path.resolve(folder))
    .default('/var/lib/signalbox');

export const logOptions = (preset: LogLevel = 'info'): Option[] => [
  oneOfOption('--log-level <level>', 'the least level that is logged', logLevels, preset),
  oneOfOption('--log-format <format>', 'text lines (logfmt) or JSON', ['text', 'json'], 'text'),
];

export const loggerFrom = (flags: LogFlags, clock: Clock, component: string): Logger =>
  createLogger({ level: flags.logLevel, format: flags.logFormat, now: () => clock.now() }, { component });

/** A whole number within bounds, for `Option.argParser`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** `5`, `1500ms`, `30s`, `2m`, `1h` → milliseconds; a bare number is seconds. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a duration such as 500ms, 30s, 2m or 1h.');
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[(match[2] ?? 's') as 'ms' | 's' | 'm' | 'h'];
  return Number(match[1]) * unitMs;
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. Not so SIGHUP: a terminal that
 * is closed sends it twice, by the kernel and by the shell.
 */
export function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    process.on('SIGHUP', resolve);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (seen) process.exit(130);
        seen = true;
        resolve(signal);
      });
    }
  });
}

/** Resolves when what we print can no longer be read: the other end of the pipe has ended, the terminal is closed. */
export function outputLost(): Promise<Error> {
  return new Promise((resolve) => {
    for (const stream of [process.stdout, process.stderr]) stream.on('error', resolve);
  });
}

/** Collects the values of an option that may be given several times; the first one replaces the preset. */
export function repeated<Value>(parse: (text: string) => Value): (text: string, before: Value[]) => Value[] {
  let given: Value[] | undefined;
  return (text) => {
    given = [...(given ?? []), parse(text)];
    return given;
  };
}

/** `192.0.2.1:53`, `[2001:db8::1]:53` */
export function socketAddress(text: string): { address: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d+)$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(address) === 0 || port > 65_535) {
    throw new InvalidArgumentError('It must be an IP address and a port, such as 192.0.2.1:53.');
  }
  return { address, port };
}

/** An IPv4 address, for `Option.argParser`. */
export function ipAddress(text: string): string {
  if (isIP(text) !== 4) throw new InvalidArgumentError('It must be an IPv4 address, such as 192.0.2.1.');
  return text;
}
