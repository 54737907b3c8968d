import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Container, Pod } from '../../kube/mod.ts';
import { PodError } from '../errors.ts';
import type { Mount } from '../runtime/port.ts';
import { writeVolume } from './atomic-writer.ts';
import { filesOf, unsupported, type Volume, type VolumeFiles, type VolumeSources } from './files.ts';

export interface PodVolumesOptions {
  /** Of this Pod alone; removed by whoever removes the Pod. */
  readonly folder: string;
  readonly sources: VolumeSources;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How late a mounted ConfigMap or Secret may be (kubelet's sync period); tokens are renewed in time. */
const refreshMs = 60_000;

/** The volumes of one Pod: filled before a container mounts them, and kept up to date for as long as the Pod is here. */
export class PodVolumes {
  readonly #options: PodVolumesOptions;
  /** What stands in each that has been filled. */
  readonly #filled = new Map<string, VolumeFiles>();
  #pod: Pod;
  #cancel: Cancel = () => {};
  #sequence = 0;
  #stopped = false;

  constructor(pod: Pod, options: PodVolumesOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  update(pod: Pod): void {
    this.#pod = pod;
  }

  /** Fills what the container mounts. Throws PodError `config`. */
  async mountsOf(container: Container): Promise<Mount[]> {
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const { name, mountPath, readOnly, subPath, subPathExpr } = mount;
      if (subPath || subPathExpr) throw new PodError(`Mount volume ${name}`, 'config', 'subPath is not supported');
      const volume = this.#pod.spec.volumes?.find((candidate) => candidate.name === name);
      if (!volume) throw new PodError(`Mount volume ${name}`, 'config', 'the Pod has no such volume');
      const source = await this.#fill(volume);
      // What is written here comes from elsewhere: a container that changed it would lose that at the next refresh.
      mounts.push({ source, target: mountPath, readOnly: readOnly ?? !volume.emptyDir });
    }
    return mounts;
  }

  /** After a restart of the agent: what stood in the volumes of running containers goes on being renewed. */
  resume(): void {
    if (this.#filled.size > 0 || this.#stopped) return;
    const mounted = new Set(
      containersOf(this.#pod)
        .flatMap(({ volumeMounts }) => volumeMounts ?? [])
        .map(({ name }) => name),
    );
    const volumes = (this.#pod.spec.volumes ?? []).filter(({ name }) => mounted.has(name));
    if (volumes.some(({ emptyDir }) => !emptyDir)) void this.#refresh(volumes);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #fill(volume: Volume): Promise<string> {
    const folder = path.join(this.#options.folder, volume.name);
    if (volume.emptyDir) {
      mkdirSync(folder, { recursive: true, mode: 0o777 });
      return folder;
    }
    const known = this.#filled.get(volume.name);
    const isFresh = known?.renewAtMs !== undefined && this.#options.clock.now() < known.renewAtMs;
    if (!isFresh) await this.#write(folder, volume);
    this.#schedule();
    return folder;
  }

  async #write(folder: string, volume: Volume): Promise<void> {
    const { sources, clock } = this.#options;
    const found = await filesOf(this.#pod, volume, sources, clock.now());
    if (!found)
      throw unsupported(
        volume.name,
        Object.keys(volume)
          .filter((key) => key !== 'name')
          .join(', '),
      );
    if (this.#stopped) return;
    const before = this.#filled.get(volume.name);
    if (!before || !isSame(before, found)) {
      writeVolume(folder, found.files, found.mode, `${clock.now()}_${this.#sequence++}`);
    }
    this.#filled.set(volume.name, found);
  }

  #schedule(): void {
    this.#cancel();
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.schedule(refreshMs, () => {
      const volumes = (this.#pod.spec.volumes ?? []).filter(({ name }) => this.#filled.has(name));
      void this.#refresh(volumes);
    });
  }

  async #refresh(volumes: readonly Volume[]): Promise<void> {
    for (const volume of volumes) {
      if (this.#stopped) return;
      try {
        await this.#fill(volume);
      } catch (error) {
        const { namespace, name } = this.#pod.metadata;
        const pod = `${namespace}/${name}`;
        this.#options.log.warn('A volume is not refreshed', { pod, volume: volume.name, because: messageOf(error) });
      }
    }
    this.#schedule();
  }
}

const containersOf = ({ spec }: Pod): Container[] => [...spec.containers, ...(spec.initContainers ?? [])];

const isSame = (a: VolumeFiles, b: VolumeFiles): boolean =>
  a.files.size === b.files.size && [...a.files].every(([name, content]) => b.files.get(name)?.equals(content));
