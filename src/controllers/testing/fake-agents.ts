import type { Clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { type Client, createInformer, type Informer, isConflict, isNotFound } from '../../client/mod.ts';
import { formatTime, Pod, type PodCondition } from '../../kube/mod.ts';

/** What node agents report, without running anything: a bound Pod runs and is ready at once, a deleted one ends at once. */
export class FakeAgents {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #unready = new Set<string>();
  #nextAddress = 1;
  /** Pods of these nodes get no attention. */
  readonly silent = new Set<string>();
  /** While false, deleted Pods stay in their grace period. */
  endsPods = true;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#pods = createInformer({ client, resource: Pod, clock, log: silentLogger });
    this.#queue = new WorkQueue({ clock, work: (key) => this.#sync(key) });
    this.#pods.onChange(({ key }) => this.#queue.add(key));
    this.#pods.start();
  }

  /** From now on what the Pod's readiness probe says. */
  async setReady(name: string, isReady: boolean): Promise<void> {
    if (isReady) this.#unready.delete(name);
    else this.#unready.add(name);
    await this.#sync(`default/${name}`);
  }

  /** Its containers have ended so. */
  async end(name: string, phase: 'Succeeded' | 'Failed'): Promise<void> {
    const conditions = [{ type: 'Ready', status: 'False' }];
    const body = { status: { phase, conditions } };
    await this.#client.patch(Pod, name, { type: 'merge', body }, { namespace: 'default', subresource: 'status' });
  }

  /** Looks at every Pod again. */
  wake(): void {
    for (const { metadata } of this.#pods.list()) this.#queue.add(`${metadata.namespace}/${metadata.name}`);
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    await this.#pods.stop();
  }

  async #sync(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (!pod?.spec.nodeName || this.silent.has(pod.spec.nodeName)) return;
    try {
      if (pod.metadata.deletionTimestamp) await this.#end(pod);
      else await this.#report(pod);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #end({ metadata: { name, namespace, uid } }: Pod): Promise<void> {
    if (!this.endsPods) return;
    await this.#client.delete(Pod, name, { namespace: namespace!, gracePeriodSeconds: 0, preconditions: { uid } });
  }

  async #report(pod: Pod): Promise<void> {
    // What has ended stays so.
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
    const status = this.#unready.has(pod.metadata.name) ? 'False' : 'True';
    const known = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    if (pod.status?.phase === 'Running' && known?.status === status) return;
    const podIP = pod.status?.podIP ?? `10.244.0.${this.#nextAddress++}`;
    const lastTransitionTime = formatTime(this.#clock.now());
    const conditions: PodCondition[] = [
      { type: 'Ready', status, lastTransitionTime },
      { type: 'ContainersReady', status, lastTransitionTime },
    ];
    const reported = { ...pod.status, phase: 'Running' as const, podIP, podIPs: [{ ip: podIP }], conditions };
    await this.#client.updateStatus(Pod, { ...pod, status: reported });
  }
}
