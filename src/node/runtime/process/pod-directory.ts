import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../../base/errors.ts';
import { readIfPresent, writeAtomic } from '../../files.ts';
import type { ContainerConfig, ContainerExit, SandboxConfig } from '../port.ts';
import { isAlive, type ProcessIdentity, parseStat } from './procfs.ts';

/** `pod.json`: what was asked for. What became of it stands in files that the processes themselves write. */
export interface PodRecord {
  readonly version: 1;
  /** Of the machine when the sandbox was made. */
  readonly bootId: string;
  readonly config: SandboxConfig;
  /** SandboxStatus.attempt */
  readonly attempt: number;
  readonly address?: string;
  /** The sandbox was taken down on purpose. */
  readonly stopped: boolean;
  readonly containers: readonly ContainerRecord[];
}

export interface ContainerRecord {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly sandboxAttempt: number;
  readonly startedAtMs: number;
  /** Known to us, though the container's init could not note it. */
  readonly exit?: ContainerExit;
}

export const podsFolder = (stateDir: string): string => path.join(stateDir, 'pods');

type PodNames = Pick<SandboxConfig, 'podNamespace' | 'podName' | 'podUid'>;

/** Where a Pod's volumes are kept; they go with the Pod's folder. */
export const volumesFolder = (stateDir: string, names: PodNames): string =>
  path.join(PodDirectory.of(stateDir, names).path, 'pod.volumes');

/** Every Pod's folder under the state directory. */
export function podDirectories(stateDir: string): PodDirectory[] {
  try {
    return readdirSync(podsFolder(stateDir)).map((name) => new PodDirectory(path.join(podsFolder(stateDir), name)));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The first process of a Pod's sandbox, by which nsenter(1) gets into its namespaces; undefined when none runs. */
export function sandboxProcess(stateDir: string, namespace: string, podName: string): number | undefined {
  const pauses = podDirectories(stateDir)
    .filter((directory) => {
      const config = directory.read()?.config;
      return config?.podNamespace === namespace && config.podName === podName;
    })
    .map(({ pause }) => pause);
  return pauses.find((pause) => pause && isAlive(pause))?.pid;
}

/**
 * `STATEDIR/pods/NAMESPACE_NAME_UID`: the files of one Pod, see the README. What is not a container's has a dot in its
 * name, which a container's cannot have.
 */
export class PodDirectory {
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  static of(stateDir: string, { podNamespace, podName, podUid }: PodNames): PodDirectory {
    const name = `${podNamespace}_${podName}_${podUid}`;
    assert(!name.includes('/'), `Pod ${JSON.stringify(name)} cannot name a folder`);
    return new PodDirectory(path.join(podsFolder(stateDir), name));
  }

  /** Undefined when there is none, or it cannot be read: it is written in one rename, so then it is not ours. */
  read(): PodRecord | undefined {
    try {
      return JSON.parse(readIfPresent(path.join(this.path, 'pod.json')) ?? 'null') ?? undefined;
    } catch {
      return undefined;
    }
  }

  write(record: PodRecord): void {
    writeAtomic(path.join(this.path, 'pod.json'), JSON.stringify(record));
  }

  /** The sandbox's first process. */
  get pause(): ProcessIdentity | undefined {
    return identity(path.join(this.path, 'sandbox.pause'));
  }

  get aliveFifo(): string {
    return path.join(this.path, 'sandbox.alive');
  }

  /** Makes the folder ready for a new sandbox, with files of its own for /etc; logs stay. */
  prepareSandbox(etc: Readonly<Record<string, string>>): void {
    for (const stale of ['alive', 'pause', 'etc']) {
      rmSync(path.join(this.path, `sandbox.${stale}`), { recursive: true, force: true });
    }
    const folder = path.join(this.path, 'sandbox.etc');
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    for (const [name, text] of Object.entries(etc)) writeFileSync(path.join(folder, name), text);
  }

  container({ name, attempt }: { readonly name: string; readonly attempt: number }): ContainerDirectory {
    return new ContainerDirectory(path.join(this.path, name, String(attempt)));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** `…/CONTAINER/ATTEMPT`, and the log beside it. */
export class ContainerDirectory {
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  get log(): string {
    return `${this.path}.log`;
  }

  get aliveFifo(): string {
    return path.join(this.path, 'alive');
  }

  /** PID 1 of the container. */
  get init(): ProcessIdentity | undefined {
    return identity(path.join(this.path, 'init'));
  }

  /** The program. */
  get main(): ProcessIdentity | undefined {
    return identity(path.join(this.path, 'main'));
  }

  /** Undefined as long as the container's init has not noted it; its time is the file's. */
  get exit(): ContainerExit | undefined {
    const file = path.join(this.path, 'exit');
    const text = readIfPresent(file);
    // The newline is the last byte of the one write: without it we look in between.
    if (!text?.endsWith('\n')) return undefined;
    return { code: Number.parseInt(text, 10), finishedAtMs: Math.floor(statSync(file).mtimeMs) };
  }

  removeLogs(): void {
    const folder = path.dirname(this.path);
    const name = path.basename(this.log);
    for (const file of readdirSync(folder)) {
      if (file === name || file.startsWith(`${name}.`)) rmSync(path.join(folder, file), { force: true });
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const identity = (file: string): ProcessIdentity | undefined => {
  const stat = parseStat(readIfPresent(file) ?? '');
  return stat && { pid: stat.pid, startTicks: stat.startTicks };
};
