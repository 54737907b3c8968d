import { isNotFound } from '../../client/mod.ts';
import { Lease, Node, Pod } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { Heartbeats } from './heartbeats.ts';
import { isNodeReady, podOfSilentNode, silentNode, taintedNode } from './verdicts.ts';

/** Where agents keep the Leases that they renew, named as their nodes. */
export const leaseNamespace = 'kube-node-lease';

export interface NodeLifecycleOptions {
  /** How long an agent may be silent; default 40 s, as upstream's --node-monitor-grace-period was for years. */
  readonly graceMs?: number;
}

/** Says of nodes whose agents are silent that nothing is known of them, and takes their Pods out of endpoints. */
export function startNodeLifecycleController(
  context: ControllerContext,
  options: NodeLifecycleOptions = {},
): StopController {
  const controller = new NodeLifecycleController(context, options.graceMs ?? 40_000);
  return () => controller.loop.stop();
}

class NodeLifecycleController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;
  readonly #graceMs: number;
  readonly #heartbeats = new Heartbeats();

  constructor(context: ControllerContext, graceMs: number) {
    this.#context = context;
    this.#graceMs = graceMs;
    this.loop = new ControllerLoop(context, { name: 'nodelifecycle', sync: (key) => this.#sync(key) });
    this.#nodes.onChange(({ key, after }) => {
      if (!after) this.#heartbeats.forget(key);
      this.loop.add(key);
    });
    context.informers.of(Lease).onChange(({ before, after }) => {
      const { name, namespace } = (after ?? before!).metadata;
      if (namespace !== leaseNamespace) return;
      if (after) this.#hear(after);
      else if (!this.#nodes.get(name)) this.#heartbeats.forget(name);
    });
    this.#pods.onChange(({ before, after }) => {
      if (after?.spec.nodeName && !before?.spec.nodeName) this.loop.add(after.spec.nodeName);
    });
  }

  get #nodes() {
    return this.#context.informers.of(Node);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  /** Renewals are many: only one that ends a silence is work. */
  #hear(lease: Lease): void {
    const { name } = lease.metadata;
    this.#heartbeats.observe(name, markOf(lease), this.#context.clock.monotonicMs());
    const node = this.#nodes.get(name);
    if (node && !isNodeReady(node)) this.loop.add(name);
  }

  async #sync(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (!node || node.metadata.deletionTimestamp) return;
    const isSilent = await this.#isSilent(name);
    const { clock, client, log } = this.#context;
    const changed = isSilent ? silentNode(node, clock.now()) : undefined;
    if (changed) log.warn('Node is silent', { node: name });
    const shown = changed ? this.loop.wrote(name, this.#nodes, await client.updateStatus(Node, changed)) : node;
    const tainted = taintedNode(shown, clock.now());
    if (tainted) this.loop.wrote(name, this.#nodes, await client.update(Node, tainted));
    if (isSilent) await this.#markPods(name);
  }

  async #markPods(name: string): Promise<void> {
    const { clock, client } = this.#context;
    const marked = [...this.#pods.byIndex('node', name)].flatMap((pod) => podOfSilentNode(pod, clock.now()) ?? []);
    await Promise.all(
      marked.map(async (pod) => this.loop.wrote(name, this.#pods, await client.updateStatus(Pod, pod))),
    );
  }

  async #isSilent(name: string): Promise<boolean> {
    if (this.#plan(name) > 0) return false;
    // Our watch may be what is late. Asking the server proves that it can be reached and what the Lease says now.
    const lease = await this.#context.client.get(Lease, name, { namespace: leaseNamespace }).catch((error) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (lease) this.#heartbeats.observe(name, markOf(lease), this.#context.clock.monotonicMs());
    return this.#plan(name) <= 0;
  }

  /** Milliseconds until the node counts as silent; it is looked at again then. */
  #plan(name: string): number {
    const leftMs = this.#heartbeats.leftMs(name, this.#graceMs, this.#context.clock.monotonicMs());
    if (leftMs > 0) this.loop.addAfter(name, leftMs);
    return leftMs;
  }
}

const markOf = ({ metadata, spec }: Lease): string => `${metadata.uid} ${spec.renewTime ?? ''}`;
