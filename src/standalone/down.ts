import path from 'node:path';
import { listNetns } from '../kernel/mod.ts';
import { removeWith, type Tools } from './cluster.ts';
import { checkClusterName } from './layout.ts';
import { clusterNames, demandNoOwner } from './owner.ts';

/** `signalbox down`: removes what clusters have left, one by name or all of them; those that somebody runs are refused. */
export async function runDown(
  { names, all, stateRoot }: { names: readonly string[]; all: boolean; stateRoot: string },
  tools: Pick<Tools, 'kernel' | 'clock' | 'progress'>,
): Promise<void> {
  for (const name of all ? foundClusters(stateRoot) : names) {
    checkClusterName(name);
    demandNoOwner(name, path.join(stateRoot, name));
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
