import { readFileSync } from 'node:fs';
import { type Libc, libc } from './libc.ts';

const MADV_DONTNEED = 4;

/** Part of a file in this process's memory, as it is in the file: of the program itself, or of a library. */
export interface FileMapping {
  readonly address: bigint;
  readonly length: bigint;
}

/**
 * Those mappings of /proc/PID/smaps (proc_pid_smaps(5)) whose pages are in the file too, every one of them: not writable, and
 * none of them copied when it was written to.
 */
export function cleanFileMappings(smaps: string): FileMapping[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((mapping) => {
    const [range, mode = '', , , , path = ''] = mapping.slice(0, mapping.indexOf('\n')).split(/\s+/);
    const [from, to] = range!.split('-').map((digits) => BigInt(`0x${digits}`));
    const isClean = /^Anonymous: +0 kB$/m.test(mapping) && /^Private_Dirty: +0 kB$/m.test(mapping);
    const isOfFile = path.startsWith('/') && mode.startsWith('r') && mode[1] === '-' && mode[3] === 'p';
    return isOfFile && isClean ? [{ address: from!, length: to! - from! }] : [];
  });
}

/**
 * Lets go of the pages of the program and its libraries, half of them used by nobody but a process that starts. What is needed
 * again comes back from the page cache with its first use, some hundred minor faults in all. Does nothing where system calls
 * cannot be had: it is only memory.
 */
export function letGoOfFilePages(system: Pick<Libc, 'madvise'> | undefined = loadLibc()): void {
  if (!system) return;
  for (const { address, length } of cleanFileMappings(readFileSync('/proc/self/smaps', 'utf8')))
    system.madvise(address, length, MADV_DONTNEED);
}

function loadLibc(): Libc | undefined {
  try {
    return libc();
  } catch {
    return undefined;
  }
}
