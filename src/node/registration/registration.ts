import { type Cancel, type Clock, sleep } from '../../base/clock.ts';
import { messageOf, UsageError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type Client, type Informer, isAlreadyExists, isNotFound } from '../../client/mod.ts';
import { Node } from '../../kube/mod.ts';
import { overlap, parseCidr } from '../network/address-pool.ts';
import { NodeLease } from './lease.ts';
import { fingerprintOf, labelsOf, type NodeDescription, nodeInputOf, nodeStatusOf } from './node-object.ts';

export interface RegistrationOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** All Nodes; started by whoever made it. */
  readonly nodes: Informer<Node>;
  readonly node: NodeDescription;
  /** See LeaseOptions. */
  readonly holder: string;
  readonly leaseDurationSeconds: number;
}

const firstRetryMs = 50;
const longestRetryMs = 2000;
/** The status is written this often without need, so that its heartbeat times are not too old (kubelet: 5 min). */
const statusIntervalMs = 300_000;

/** Makes the Node object and keeps it, and its Lease, saying that the node lives. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #lease: NodeLease;
  readonly #stop = new AbortController();
  #writing = false;
  #again = false;
  /** As the server has put it: it may write the same quantity in another way. */
  #written: string | undefined;
  #statusWrittenMs = Number.NEGATIVE_INFINITY;
  #cancelRetry: Cancel = () => {};

  constructor(options: RegistrationOptions) {
    this.#options = options;
    const { client, clock, node, holder, leaseDurationSeconds } = options;
    this.#lease = new NodeLease({ client, clock, holder, nodeName: node.name, durationSeconds: leaseDurationSeconds });
  }

  /** Resolves when the node is known and Ready; rejects with UsageError when its name or its range is another's. */
  async register(): Promise<void> {
    const { log, node } = this.#options;
    await this.#insist(() => this.#lease.renew());
    await this.#insist(() => this.#checkNeighbours());
    await this.#insist(() => this.#writeNode());
    if (this.#stop.signal.aborted) return;
    log.info('Registered the node', { node: node.name, address: node.address, podCidr: node.podCidr });
    this.#options.nodes.onChange(({ key }) => {
      // Deleted, or called NotReady while we were silent: say at once that it is not so.
      if (key === node.name) this.#refresh();
    });
    void this.#renewForEver();
  }

  stop(): void {
    this.#stop.abort();
    this.#cancelRetry();
  }

  async #renewForEver(): Promise<void> {
    const { clock, log, leaseDurationSeconds } = this.#options;
    // Three renewals may fail before anybody takes the node for gone.
    const renewIntervalMs = (1000 * leaseDurationSeconds) / 4;
    let delayMs = renewIntervalMs;
    for (;;) {
      await sleep(clock, delayMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.#lease.renew();
        delayMs = renewIntervalMs;
        if (clock.monotonicMs() - this.#statusWrittenMs >= statusIntervalMs) this.#refresh();
      } catch (error) {
        log.warn('The node\u2019s Lease is not renewed', { because: messageOf(error) });
        delayMs = Math.min(longestRetryMs, renewIntervalMs);
      }
    }
  }

  /** Tries until it works: the API may be starting, too. */
  async #insist(action: () => Promise<void>): Promise<void> {
    for (let delayMs = firstRetryMs; !this.#stop.signal.aborted; delayMs = Math.min(longestRetryMs, 2 * delayMs)) {
      try {
        return await action();
      } catch (error) {
        if (error instanceof UsageError) throw error;
        this.#options.log.info('Waiting to register the node', { because: messageOf(error) });
      }
      await sleep(this.#options.clock, delayMs, this.#stop.signal);
    }
  }

  #refresh(): void {
    this.#again = true;
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    this.#cancelRetry();
    while (this.#again && !this.#stop.signal.aborted) {
      this.#again = false;
      try {
        await this.#writeNode();
      } catch (error) {
        this.#options.log.warn('The Node object is not written', { because: messageOf(error) });
        this.#cancelRetry = this.#options.clock.schedule(longestRetryMs, () => this.#refresh());
      }
    }
    this.#writing = false;
  }

  async #writeNode(): Promise<void> {
    const { clock, client, node } = this.#options;
    let known = await this.#findOrCreate();
    this.#checkRange(known);
    const labels = labelsOf(node);
    if (Object.entries(labels).some(([name, value]) => known.metadata.labels?.[name] !== value)) {
      known = await client.patch(Node, node.name, { type: 'merge', body: { metadata: { labels } } });
    }
    const isDue = clock.monotonicMs() - this.#statusWrittenMs >= statusIntervalMs;
    if (!isDue && fingerprintOf(known.status) === this.#written) return;
    const status = nodeStatusOf(node, known.status, clock.now());
    this.#written = fingerprintOf((await client.updateStatus(Node, { ...known, status })).status);
    this.#statusWrittenMs = clock.monotonicMs();
  }

  async #findOrCreate(): Promise<Node> {
    const { client, node, clock } = this.#options;
    try {
      return await client.get(Node, node.name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      return await client.create(Node, nodeInputOf(node, clock.now()));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return client.get(Node, node.name);
    }
  }

  /** Two nodes with the same Pod addresses would take each other's traffic. */
  async #checkNeighbours(): Promise<void> {
    const { client, node } = this.#options;
    const own = parseCidr(node.podCidr);
    for (const { metadata, spec } of (await client.list(Node)).items) {
      const other = parseCidr(spec.podCIDR ?? '');
      if (metadata.name === node.name || !own || !other || !overlap(own, other)) continue;
      throw new UsageError(
        `Register node ${JSON.stringify(node.name)}`,
        `its Pod range ${node.podCidr} overlaps ${spec.podCIDR} of node ${JSON.stringify(metadata.name)}`,
        'Give every node a range of its own, or delete the Node that is no more',
      );
    }
  }

  #checkRange({ spec }: Node): void {
    const { name, podCidr } = this.#options.node;
    if (spec.podCIDR === undefined || spec.podCIDR === podCidr) return;
    throw new UsageError(
      `Register node ${JSON.stringify(name)}`,
      `its Pod range was given as ${podCidr}, but the Node has podCIDR ${spec.podCIDR}, which cannot be changed`,
      `Start the agent with ${spec.podCIDR}, or delete the Node first`,
    );
  }
}
