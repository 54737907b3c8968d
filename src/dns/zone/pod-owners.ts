import type { Change } from '../../client/port.ts';
import type { Pod } from '../../kube/mod.ts';
import { encodeAddress } from '../../wire/dns/mod.ts';
import { addTo, allOf, type OneOrMore, removeFrom } from './address-index.ts';
import { type Address, addressKey } from './facts.ts';

/** A Pod's hold on its addresses; another object as soon as anything of it has changed, so that two can be compared. */
export interface PodClaim {
  readonly uid: string;
  readonly namespace: string;
  /**
   * It has the address for itself, which Pods in the host's network have not (coredns issue 7120), and the search list of
   * the cluster's Pods.
   */
  readonly canSearch: boolean;
  /** Search domains of its own (spec.dnsConfig). */
  readonly searches: readonly string[];
  /** Since when it has its addresses, in milliseconds of the epoch: by its status, or when they were seen to change. */
  readonly sinceMs: number;
}

interface Held {
  readonly claim: PodClaim;
  /** Keys. */
  readonly addresses: readonly string[];
}

/**
 * Who asks from an address: the one Pod that has it for sure. A Pod that is going, has ended, or of which nothing runs any
 * more has none: its address may be another's already. Two Pods on one address are one of the past and one of the present,
 * and which is which is not known until the API server has said so.
 */
export class PodOwners {
  readonly #now: () => number;
  readonly #byPod = new Map<string, Held>();
  readonly #byAddress = new Map<Address, OneOrMore<PodClaim>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  apply({ key, before, after }: Change<Pod>): void {
    const old = this.#byPod.get(key);
    const held = after && heldBy(after, before ? this.#now() : 0, this.#now());
    const isSame = old && held && isEqual(old, held);
    if (isSame) return;
    for (const address of old?.addresses ?? []) removeFrom(this.#byAddress, address, old!.claim);
    for (const address of held?.addresses ?? []) addTo(this.#byAddress, address, held!.claim);
    if (held) this.#byPod.set(key, held);
    else this.#byPod.delete(key);
  }

  /** `address` as text; one of IPv4 may be written as IPv6. */
  ownerOf(address: string): PodClaim | undefined {
    const text = address.startsWith('::ffff:') ? address.slice(7) : address;
    const bytes = encodeAddress(text);
    const [claim, ...others] = allOf(bytes && this.#byAddress.get(addressKey(bytes)));
    return others.length === 0 && claim?.canSearch ? claim : undefined;
  }
}

/** `changedMs`: when its addresses, if they are new, have come to it; 0: nobody saw them come. */
function heldBy({ metadata, spec, status = {} }: Pod, changedMs: number, nowMs: number): Held | undefined {
  const { phase, podIP, podIPs, startTime } = status;
  if (metadata.deletionTimestamp || phase === 'Succeeded' || phase === 'Failed' || !isRunning(status)) return undefined;
  const texts = podIPs?.length ? podIPs.map(({ ip }) => ip) : [podIP];
  const addresses = texts.flatMap((text) => encodeAddress(text ?? '') ?? []).map(addressKey);
  if (addresses.length === 0) return undefined;
  const startedMs = startTime ? Date.parse(startTime) : nowMs;
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const claim: PodClaim = {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? '',
    canSearch: spec.hostNetwork !== true && policy === 'ClusterFirst',
    searches: spec.dnsConfig?.searches ?? [],
    sinceMs: Math.max(startedMs, changedMs),
  };
  return { claim, addresses };
}

/** Without any status of a container nothing is known; with some, one of them has to run for the Pod to ask anything. */
function isRunning({ containerStatuses = [], initContainerStatuses = [] }: NonNullable<Pod['status']>): boolean {
  const statuses = [...containerStatuses, ...initContainerStatuses];
  return statuses.length === 0 || statuses.some(({ state }) => state?.running !== undefined);
}

/** But for when they have come: what a Pod has it goes on having. */
const isEqual = (one: Held, other: Held): boolean =>
  JSON.stringify([one.addresses, { ...one.claim, sinceMs: 0 }]) ===
  JSON.stringify([other.addresses, { ...other.claim, sinceMs: 0 }]);
