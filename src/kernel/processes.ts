import { readFileSync } from 'node:fs';
import { fileCall } from './libc.ts';

/**
 * When the process started, in clock ticks after boot: with the pid it names a process for ever, because pids are used
 * again. Throws KernelError: ENOENT (or ESRCH) when there is no such process.
 */
export function processStartTime(pid: number): bigint {
  const stat = fileCall(`Look at process ${pid}`, () => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return startTimeOf(stat);
}

/**
 * Field 22 of /proc/PID/stat (proc_pid_stat(5)). Fields are counted from behind the second, the command's name, which
 * may hold spaces and parentheses of its own.
 */
export function startTimeOf(stat: string): bigint {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return BigInt(fields[22 - 3]!);
}

/** Whether this very process still runs; one that has ended counts as gone although its parent has not yet reaped it. */
export function isRunning(pid: number, startTime: bigint): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state] = stat.slice(stat.lastIndexOf(')') + 2);
    return startTimeOf(stat) === startTime && state !== 'Z' && state !== 'X';
  } catch {
    // ENOENT, or ESRCH when it ends between open and read.
    return false;
  }
}

/** The environment that the process was started with. Throws KernelError, ENOENT when there is no such process. */
export function processEnvironment(pid: number): Record<string, string> {
  const bytes = fileCall(`Read the environment of process ${pid}`, () => readFileSync(`/proc/${pid}/environ`, 'utf8'));
  return Object.fromEntries(
    bytes
      .split('\0')
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}
