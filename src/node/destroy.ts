import { rmSync } from 'node:fs';
import { type Clock, sleep } from '../base/clock.ts';
import { type PodDirectory, podDirectories } from './runtime/process/pod-directory.ts';
import { bootId, isAlive, type ProcessIdentity, signalProcess } from './runtime/process/procfs.ts';

/**
 * Kills every process that a node's state directory names and deletes the directory, for when no agent is there to do
 * it. A process is known by its number and its start time in this boot: one that has got the number of a dead one is
 * left alone. Network namespaces, and the links in them, go with the processes.
 */
export async function destroyAll(stateDir: string, clock: Clock): Promise<void> {
  const boot = bootId();
  const directories = podDirectories(stateDir);
  const processes = directories.flatMap((directory) => processesOf(directory, boot));
  for (const target of processes) signalProcess(target, 'SIGKILL');
  while (processes.some(isAlive)) await sleep(clock, 5);
  rmSync(stateDir, { recursive: true, force: true });
}

function processesOf(directory: PodDirectory, boot: string): ProcessIdentity[] {
  const record = directory.read();
  if (record && record.bootId !== boot) return [];
  const containers = record?.containers.map(({ config }) => directory.container(config).init) ?? [];
  return [directory.pause, ...containers].filter((target) => target !== undefined);
}
