import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Both output streams are appended here. */
  readonly logFile: string;
}

/** A process that is started again whenever it ends, until `stop`. */
export interface Supervised {
  readonly name: string;
  /** Undefined while it is between two lives. */
  readonly pid: number | undefined;
  /** How often it has been started. */
  readonly starts: number;
  stop(): void;
}

const firstRestartMs = 50;
const slowestRestartMs = 5000;
/** A process that ran for so long is healthy: its next failure counts as the first. */
const healthyAfterMs = 10_000;

/**
 * Keeps a process running in a session of its own, so that a Ctrl-C on the terminal reaches only us; stopping and
 * cleaning up is for us to do.
 * @param onExit hears of every end, expected or not
 */
export function supervise(
  spec: ProcessSpec,
  clock: Clock,
  log: Logger,
  onExit: (reason: string) => void = () => {},
): Supervised {
  let child: ChildProcess | undefined;
  let starts = 0;
  let failures = 0;
  let stopped = false;
  let cancelRestart: Cancel = () => {};

  const start = () => {
    const output = openSync(spec.logFile, 'a');
    const startedMs = clock.monotonicMs();
    const current = spawn(spec.command, spec.args, {
      detached: true,
      stdio: ['ignore', output, output],
      env: spec.environment,
    });
    closeSync(output);
    child = current;
    starts++;
    let ended = false;
    const end = (reason: string) => {
      if (ended) return;
      ended = true;
      child = undefined;
      if (stopped) return;
      onExit(reason);
      failures = clock.monotonicMs() - startedMs > healthyAfterMs ? 1 : failures + 1;
      const delayMs = Math.min(slowestRestartMs, firstRestartMs * 2 ** (failures - 1));
      log.warn('Process ended; starting it again', { process: spec.name, reason, delayMs });
      cancelRestart = clock.schedule(delayMs, start);
    };
    current.once('error', (error) => end(error.message));
    current.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  };
  start();

  return {
    name: spec.name,
    get pid() {
      return child?.pid;
    },
    get starts() {
      return starts;
    },
    stop() {
      stopped = true;
      cancelRestart();
      child?.kill('SIGKILL');
    },
  };
}
