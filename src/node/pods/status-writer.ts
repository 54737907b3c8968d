import { isDeepStrictEqual } from 'node:util';
import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type Client, isConflict, isNotFound } from '../../client/mod.ts';
import { Pod, type PodStatus } from '../../kube/mod.ts';

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** What is to be written, given what the API has. */
  compute(pod: Pod): PodStatus;
}

const firstRetryMs = 20;
const longestRetryMs = 5000;

/**
 * Brings a Pod's status to the API: at once when it changes, one write at a time, and again until it is there. Writes
 * name the version they build upon, so that conditions of others are never overwritten unseen.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  #pod: Pod;
  /** Version and status of our last write: what the server made of it is no reason to write again. */
  #written: { readonly version: string; readonly status: PodStatus } | undefined;
  #writing = false;
  #again = false;
  #removal = false;
  #stopped = false;
  #failures = 0;
  #cancelRetry: Cancel = () => {};

  constructor(pod: Pod, options: StatusWriterOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The API has this now; an older version than the one we know is a late echo of it. */
  update(pod: Pod): void {
    if (BigInt(pod.metadata.resourceVersion) >= BigInt(this.#pod.metadata.resourceVersion)) this.#pod = pod;
  }

  /** The status may have changed. */
  refresh(): void {
    this.#again = true;
    if (!this.#writing && !this.#stopped) void this.#run();
  }

  /** After the status, the Pod itself goes: nothing of it is left on this node. */
  refreshAndRemove(): void {
    this.#removal = true;
    this.refresh();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
  }

  async #run(): Promise<void> {
    this.#writing = true;
    this.#cancelRetry();
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#write();
        if (this.#removal && !this.#again && !this.#stopped) await this.#remove();
        this.#failures = 0;
      } catch (error) {
        await this.#recover(error);
      }
    }
    this.#writing = false;
  }

  async #write(): Promise<void> {
    const status = this.#options.compute(this.#pod);
    const isOurs = this.#written?.version === this.#pod.metadata.resourceVersion;
    if (isDeepStrictEqual(status, isOurs ? this.#written?.status : this.#pod.status)) return;
    const pod = await this.#options.client.updateStatus(Pod, { ...this.#pod, status });
    this.update(pod);
    this.#written = { version: pod.metadata.resourceVersion, status };
  }

  async #remove(): Promise<void> {
    const { name, namespace, uid } = this.#pod.metadata;
    await this.#options.client.delete(Pod, name, {
      ...(namespace === undefined ? {} : { namespace }),
      gracePeriodSeconds: 0,
      preconditions: { uid },
    });
  }

  async #recover(error: unknown): Promise<void> {
    if (isNotFound(error)) return;
    if (isConflict(error) && (await this.#refetch())) return;
    const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++);
    const { log, clock } = this.#options;
    log.debug('Writing the status again', { delayMs, because: messageOf(error) });
    this.#cancelRetry = clock.schedule(delayMs, () => this.refresh());
  }

  /** Whether there is a newer version of this very Pod to build upon; if so, that is done. */
  async #refetch(): Promise<boolean> {
    const { name, namespace, uid, resourceVersion } = this.#pod.metadata;
    try {
      const pod = await this.#options.client.get(Pod, name, namespace === undefined ? {} : { namespace });
      if (pod.metadata.uid !== uid) return true;
      if (pod.metadata.resourceVersion === resourceVersion) return false;
      this.#pod = pod;
      this.#again = true;
      return true;
    } catch (error) {
      return isNotFound(error);
    }
  }
}
