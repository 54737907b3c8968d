import { readFileSync } from 'node:fs';
import { codeOf } from '../../../base/errors.ts';

/** A process, told from a later one with the same number by its start time (field 22 of proc_pid_stat(5), in ticks). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
}

interface ProcessStat extends ProcessIdentity {
  /** `R`, `S`, `Z`, …: field 3. */
  readonly state: string;
}

/** One line of /proc/PID/stat; undefined when it is not one (cut short by a crash). */
export function parseStat(line: string): ProcessStat | undefined {
  // The command's name stands in parentheses and may itself hold some, and blanks.
  const end = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(end + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return end < 0 || !(pid > 0) || !state || !startTicks ? undefined : { pid, state, startTicks };
}

/** Whether this very process still runs; a zombie does not. */
export function isAlive(process: ProcessIdentity): boolean {
  const stat = readStat(process.pid);
  return stat?.startTicks === process.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** Sends a signal to this very process; false when it has ended. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Changes with every boot: process numbers of another boot mean nothing. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
