import type { Cancel, Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { formatMicroTime, Lease } from '../kube/mod.ts';
import { type Advertised, ensure, leadKubernetesTo, type RegistryOf } from './bootstrap.ts';
import type { Registry } from './registry/registry.ts';
import { isStatusError } from './status-error.ts';

export interface PeersParts {
  readonly registryOf: RegistryOf;
  readonly advertised: Advertised;
  readonly clock: Clock;
  readonly log: Logger;
}

const namespace = 'kube-system';
/** As upstream marks the Leases of its API servers. */
const identityLabel = 'apiserver.kubernetes.io/identity';
/** Upstream's DefaultEndpointReconcilerTTL. */
const lifeMs = 15_000;
const roundMs = 5_000;
const asIs = { dryRun: false, gracePeriodSeconds: undefined, propagationPolicy: undefined } as const;

/**
 * The servers of one store, each with a Lease that it renews: the `kubernetes` Service leads to those whose Lease lives.
 * Whoever sees that one was not renewed for its lifetime, on its own monotonic clock, takes it away.
 */
export class Peers {
  readonly #parts: PeersParts;
  readonly #seen = new Map<string, { readonly revision: number; readonly atMs: number }>();
  #cancel: Cancel = () => {};
  #round: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(parts: PeersParts) {
    this.#parts = parts;
  }

  /** Resolves when the `kubernetes` Service leads here too. Rejects when that cannot be written. */
  async start(): Promise<void> {
    await this.#runRound();
    this.#schedule();
  }

  /** Clients are led elsewhere before this server ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancel();
    await this.#round;
    const { log } = this.#parts;
    try {
      await this.#leases.deleteIfThere({ namespace, name: this.#name }, { ...asIs, preconditions: {} });
      await this.#lead();
    } catch (error) {
      log.warn('This server is still named by the kubernetes Service', { because: messageOf(error) });
    }
  }

  get #leases(): Registry {
    return this.#parts.registryOf(Lease);
  }

  get #name(): string {
    const { address, port } = this.#parts.advertised;
    return `apiserver-${address.replaceAll(/[.:]/g, '-')}-${port}`;
  }

  #schedule(): void {
    const { clock, log } = this.#parts;
    this.#cancel = clock.schedule(roundMs, () => {
      this.#round = this.#runRound()
        .catch((error) => log.warn('The servers of this cluster cannot be told apart', { because: messageOf(error) }))
        .then(() => {
          if (!this.#isStopping) this.#schedule();
        });
    });
  }

  async #runRound(): Promise<void> {
    await this.#renew();
    await this.#dropDead();
    await this.#lead();
  }

  async #renew(): Promise<void> {
    const { clock, advertised } = this.#parts;
    const { address, port } = advertised;
    const renewTime = formatMicroTime(clock.now());
    await ensure(this.#leases, namespace, {
      metadata: { name: this.#name, labels: { [identityLabel]: 'kube-apiserver' } },
      spec: { holderIdentity: `${address}:${port}`, leaseDurationSeconds: lifeMs / 1000, renewTime },
    });
  }

  async #dropDead(): Promise<void> {
    const { clock, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    const living = new Set<string>();
    for (const { object, revision } of this.#all()) {
      const { name, uid } = object.metadata;
      living.add(uid!);
      if (this.#seen.get(uid!)?.revision !== revision) this.#seen.set(uid!, { revision, atMs: nowMs });
      const isDead = nowMs - this.#seen.get(uid!)!.atMs >= lifeMs;
      if (!isDead || name === this.#name) continue;
      log.warn('A server of this cluster is gone', { server: object.spec.holderIdentity });
      // Renewed in this very moment: then it lives.
      const preconditions = { resourceVersion: String(revision) };
      await this.#leases.deleteIfThere({ namespace, name }, { ...asIs, preconditions }).catch(unlessConflict);
    }
    for (const uid of this.#seen.keys()) if (!living.has(uid)) this.#seen.delete(uid);
  }

  async #lead(): Promise<void> {
    const { registryOf, advertised } = this.#parts;
    const addresses = [...this.#all()].flatMap(({ object }) => addressOf(object)).sort();
    await leadKubernetesTo(registryOf, addresses, advertised.port);
  }

  *#all(): Generator<{ object: Lease; revision: number }> {
    const leases = this.#leases;
    for (const { object, revision } of leases.cache.list(leases.prefixOf(namespace))) {
      const lease = object as Lease;
      if (lease.metadata.labels?.[identityLabel] && lease.spec.holderIdentity) yield { object: lease, revision };
    }
  }
}

/** `192.0.2.1:6443` */
const addressOf = ({ spec }: Lease): string[] => {
  const address = spec.holderIdentity?.replace(/:\d+$/, '');
  return address === undefined ? [] : [address];
};

function unlessConflict(error: unknown): void {
  if (!isStatusError(error) || error.status.reason !== 'Conflict') throw error;
}
