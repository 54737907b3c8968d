import { existsSync } from 'node:fs';
import { deleteNetns, listNetns } from '../src/kernel/mod.ts';

/**
 * Takes away what tests and benchmarks leave when they are broken off: network namespaces that have come since `before`,
 * bear the number of a process (`t-NAME-PID…`), and whose process has ended, or is this one. Returns their names.
 */
export function sweepNamespaces(before: ReadonlySet<string>): string[] {
  const left = listNetns().filter((name) => !before.has(name) && isOfEnded(name));
  for (const name of left) deleteNetns(name);
  return left;
}

function isOfEnded(name: string): boolean {
  const [, pid] = /^t-.*?-(\d+)(?=[-.]|$)/.exec(name) ?? [];
  return pid !== undefined && (Number(pid) === process.pid || !existsSync(`/proc/${pid}`));
}
