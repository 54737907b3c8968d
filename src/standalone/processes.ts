import { readdirSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { isKernelError, isRunning, processEnvironment, processStartTime } from '../kernel/mod.ts';
import { clusterVariable } from '../node/mod.ts';
import { until } from './wait.ts';

/**
 * Processes, ourselves aside, that were started for this cluster, by anybody and however long ago: each bears the state
 * folder in its environment, and its children inherit that.
 */
export function processesOf(stateDir: string): number[] {
  return otherProcesses().filter((pid) => markOf(pid) === stateDir);
}

/** The state folders of all clusters that have a process on this machine. */
export function runningStateDirs(): Set<string> {
  return new Set(otherProcesses().flatMap((pid) => markOf(pid) ?? []));
}

const otherProcesses = (): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid);

function markOf(pid: number): string | undefined {
  try {
    return processEnvironment(pid)[clusterVariable];
  } catch (error) {
    // It ended meanwhile, or is a kernel thread.
    if (isKernelError(error)) return undefined;
    throw error;
  }
}

/**
 * kill -9 to every process of a cluster, again until none is left, since one may have started another meanwhile. A
 * Pod's first process takes its whole PID namespace with it.
 */
export async function killProcessesOf(stateDir: string, clock: Clock): Promise<number> {
  const killed = new Set<number>();
  await until(clock, `the processes of ${stateDir} are gone`, () => {
    const pids = processesOf(stateDir);
    for (const pid of pids) {
      killed.add(pid);
      signal(pid, 'SIGKILL');
    }
    return pids.length === 0;
  });
  return killed.size;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ESRCH: it ended by itself.
  }
}

/** A process by its id and start, so that a later one with the same id is not mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, in decimal. */
  readonly startTime: string;
}

export const ownIdentity = (): ProcessIdentity => ({
  pid: process.pid,
  startTime: processStartTime(process.pid).toString(),
});

export const isAlive = ({ pid, startTime }: ProcessIdentity): boolean => isRunning(pid, BigInt(startTime));
