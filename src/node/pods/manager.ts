import { sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { createInformer, type Informer } from '../../client/mod.ts';
import { Pod } from '../../kube/mod.ts';
import type { SandboxStatus } from '../runtime/port.ts';
import { PodWorker, type PodWorkerOptions } from './worker.ts';

/** The Pods that the API gives this node, each with its worker; and those that it no longer does. */
export class PodManager {
  readonly #options: PodWorkerOptions;
  readonly #informer: Informer<Pod>;
  /** By uid: a Pod's successor of the same name starts while the Pod is still ending. */
  readonly #workers = new Map<string, PodWorker>();
  /** Pods that are being taken down without the API: what to call when one of them changes. */
  readonly #orphans = new Map<string, () => void>();
  readonly #stop = new AbortController();

  constructor(options: PodWorkerOptions) {
    this.#options = options;
    const { client, clock, log, names, runtime } = options;
    const fieldSelector = `spec.nodeName=${names.nodeName}`;
    this.#informer = createInformer({ client, clock, log, resource: Pod, fieldSelector });
    this.#informer.onChange(({ before, after }) => {
      if (after) this.#take(after);
      else if (before) this.#workers.get(before.metadata.uid)?.forget();
    });
    runtime.onChange((podUid) => {
      this.#workers.get(podUid)?.wake();
      this.#orphans.get(podUid)?.();
    });
  }

  start(): void {
    this.#informer.start();
    // Before the API has said which Pods there are, none is taken for gone.
    void this.#informer.synced.then(() => {
      const orphans = this.#options.runtime.list().filter(({ config }) => !this.#workers.has(config.podUid));
      for (const orphan of orphans) void this.#removeOrphan(orphan).catch((error) => this.#reportOrphan(orphan, error));
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const worker of this.#workers.values()) worker.stop();
    await this.#informer.stop();
  }

  #take(pod: Pod): void {
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid) ?? new PodWorker(pod, this.#options, () => this.#workers.delete(uid));
    this.#workers.set(uid, worker);
    worker.update(pod);
  }

  /** What is left of it goes when the next agent starts. */
  #reportOrphan({ config }: SandboxStatus, error: unknown): void {
    const pod = `${config.podNamespace}/${config.podName}`;
    this.#options.log.error('A Pod that the API does not have is not removed', { pod, because: messageOf(error) });
  }

  /** Deleted from the API while no agent ran here: its processes get their grace period, then all of it goes. */
  async #removeOrphan({ config, containers }: SandboxStatus): Promise<void> {
    const { runtime, clock, log } = this.#options;
    const { podUid, terminationGracePeriodSeconds } = config;
    log.info('Removing a Pod that the API does not have', { pod: `${config.podNamespace}/${config.podName}` });
    const running = containers.filter(({ exit }) => !exit);
    for (const { id } of running) runtime.signalContainer(podUid, id, 'SIGTERM');
    const allEnded = new AbortController();
    const check = () => {
      if (runtime.get(podUid)?.containers.every(({ exit }) => exit) ?? true) allEnded.abort();
    };
    this.#orphans.set(podUid, check);
    check();
    await sleep(clock, 1000 * terminationGracePeriodSeconds, AbortSignal.any([allEnded.signal, this.#stop.signal]));
    this.#orphans.delete(podUid);
    if (!this.#stop.signal.aborted) await runtime.removeSandbox(podUid);
  }
}
