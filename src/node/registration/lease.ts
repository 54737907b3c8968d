import type { Clock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import { type Client, isAlreadyExists, isConflict, isNotFound } from '../../client/mod.ts';
import { formatMicroTime, Lease, parseTime } from '../../kube/mod.ts';

const namespace = 'kube-node-lease';

export interface LeaseOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodeName: string;
  /** Tells this agent from any other that would like the name; keeps across restarts of the agent. */
  readonly holder: string;
  readonly durationSeconds: number;
}

/**
 * The Lease by which the control plane sees that the node lives, and by which only one agent bears the node's name:
 * whoever holds it and renews it in time.
 */
export class NodeLease {
  readonly #options: LeaseOptions;
  #lease: Lease | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /**
   * Takes the Lease, or renews it. Throws UsageError when another agent holds it, ApiError when the API does not
   * answer as it should.
   */
  async renew(): Promise<void> {
    try {
      this.#lease = this.#lease ? await this.#write(this.#lease) : await this.#take();
    } catch (error) {
      // Whatever somebody has done to it: look at it again before the next renewal.
      this.#lease = undefined;
      if (!isConflict(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error;
      this.#lease = await this.#take();
    }
  }

  async #take(): Promise<Lease> {
    const { client, nodeName } = this.#options;
    try {
      const lease = await client.get(Lease, nodeName, { namespace });
      this.#checkHolder(lease);
      return await this.#write(lease);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return client.create(Lease, { metadata: { name: nodeName, namespace }, spec: this.#spec() });
    }
  }

  #checkHolder({ spec }: Lease): void {
    const { clock, holder, nodeName, durationSeconds } = this.#options;
    const renewedMs = spec.renewTime === undefined ? undefined : parseTime(spec.renewTime);
    if (!spec.holderIdentity || spec.holderIdentity === holder || renewedMs === undefined) return;
    const ageSeconds = (clock.now() - renewedMs) / 1000;
    const limitSeconds = spec.leaseDurationSeconds ?? durationSeconds;
    if (ageSeconds >= limitSeconds) return;
    throw new UsageError(
      `Register node ${JSON.stringify(nodeName)}`,
      `the name is taken by a live agent, ${spec.holderIdentity}, which renewed its Lease ${Math.max(0, Math.round(ageSeconds))} s ago`,
      `Choose another node name, or stop that agent and wait ${limitSeconds} s`,
    );
  }

  #write(lease: Lease): Promise<Lease> {
    return this.#options.client.update(Lease, { ...lease, spec: { ...lease.spec, ...this.#spec(lease) } });
  }

  #spec(before?: Lease) {
    const { clock, holder, durationSeconds } = this.#options;
    const now = formatMicroTime(clock.now());
    const acquireTime = before?.spec.holderIdentity === holder ? (before.spec.acquireTime ?? now) : now;
    return { holderIdentity: holder, leaseDurationSeconds: durationSeconds, renewTime: now, acquireTime };
  }
}
