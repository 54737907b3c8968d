import { closeSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { readIfPresent } from '../../files.ts';

/** O_CLOEXEC, as `flags` in /proc/PID/fdinfo/FD shows it (proc_pid_fdinfo(5)). */
const closeOnExec = 0o2000000;

/**
 * Closes what whoever started this process left open: it would be open in every container too. All that this process
 * opens itself is marked close-on-exec, and so is by Node.js what it has inherited, but only up to the first gap
 * (uv_disable_stdio_inheritance).
 */
export function closeInheritedDescriptors(): void {
  for (const descriptor of readdirSync('/proc/self/fdinfo').map(Number)) {
    if (descriptor > 2 && !(flagsOf(descriptor) & closeOnExec)) closeSync(descriptor);
  }
}

/** One that is gone meanwhile, such as the one by which the list was read, is not open in any child. */
function flagsOf(descriptor: number): number {
  const text = readIfPresent(path.join('/proc/self/fdinfo', String(descriptor))) ?? '';
  const match = /^flags:\s*([0-7]+)$/m.exec(text);
  return match ? Number.parseInt(match[1]!, 8) : closeOnExec;
}
