import path from 'node:path';
import { UsageError } from '../base/errors.ts';
import { listNetns } from '../kernel/mod.ts';
import { removeWith, type Tools } from './cluster.ts';
import { checkClusterName } from './layout.ts';
import { clusterNames, demandNoNamesake, demandNoOwner } from './owner.ts';

/** `signalbox down`: removes what clusters have left, one by name or all of them; one that somebody runs is refused, or left alone where all are meant. */
export async function runDown(
  { names, all, stateRoot }: { names: readonly string[]; all: boolean; stateRoot: string },
  tools: Pick<Tools, 'kernel' | 'clock' | 'progress'>,
): Promise<void> {
  const mayRemove = (name: string): boolean => {
    try {
      demandNoOwner(name, path.join(stateRoot, name));
      demandNoNamesake(name, path.join(stateRoot, name));
      return true;
    } catch (error) {
      if (!all || !(error instanceof UsageError)) throw error;
      tools.progress.line(`${name}: left alone (${error.message})`);
      return false;
    }
  };
  for (const name of all ? foundClusters(stateRoot) : names) {
    checkClusterName(name);
    if (!mayRemove(name)) continue;
    const removed = await removeWith(name, stateRoot, tools);
    const nothing = removed.processes + removed.namespaces === 0 && !removed.link;
    tools.progress.line(
      nothing
        ? `${name}: nothing was left`
        : `${name}: removed ${removed.processes} processes and ${removed.namespaces} network namespaces`,
    );
  }
}

/** By their state folders, and by their namespaces where somebody has removed the folder. */
function foundClusters(stateRoot: string): string[] {
  const fromNamespaces = listNetns().flatMap((namespace) => /^sb-([a-z0-9-]+)\./.exec(namespace)?.[1] ?? []);
  return [...new Set([...clusterNames(stateRoot), ...fromNamespaces])].sort();
}
