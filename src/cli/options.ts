import { InvalidArgumentError, Option } from 'commander';
import { createLogger, type LogFormat, type Logger, type LogLevel, logLevels } from '../base/log.ts';
import type { Clock } from '../base/clock.ts';

/** An option whose value is one of a few words. */
export const oneOfOption = (flags: string, description: string, words: readonly string[], preset: string): Option =>
  new Option(flags, description).choices(words).default(preset);

export interface LogFlags {
  logLevel: LogLevel;
  logFormat: LogFormat;
}

export const logOptions = (): Option[] => [
  oneOfOption('--log-level <level>', 'the least level that is logged', logLevels, 'info'),
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

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (seen) process.exit(130);
        seen = true;
        resolve(signal);
      });
    }
  });
}
