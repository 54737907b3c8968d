import type { Endpoint, Frontend, PortPair, PortPlan } from '../plan/mod.ts';

/**
 * What has to change for one Service port. Dataplanes with maps (nftables, eBPF) follow the slots; those with a chain or
 * a virtual server per port (iptables, IPVS) use `before` and `after`, which also say the port's name and protocol.
 */
export interface PortChange extends PortPair {
  readonly frontendsRemoved: readonly Frontend[];
  readonly frontendsAdded: readonly Frontend[];
  /** Those that stay, which a dataplane may have to rewrite when the number of endpoints changed. */
  readonly frontendsKept: readonly Frontend[];
  readonly slots: readonly SlotChange[];
}

export interface SlotChange {
  readonly slot: number;
  /** Absent: the slot is new. */
  readonly before?: Endpoint;
  /** Absent: the slot goes. */
  readonly after?: Endpoint;
}

/** Only what differs in the kernel: pairs whose reasons alone changed yield nothing. */
export function diff(pairs: readonly PortPair[]): PortChange[] {
  return pairs.map(diffPort).filter((change) => change !== undefined);
}

/** How many single things a change touches: what a log line or a counter says. */
export const operationCount = ({ frontendsAdded, frontendsRemoved, slots }: PortChange): number =>
  frontendsAdded.length + frontendsRemoved.length + slots.length;

function diffPort(pair: PortPair): PortChange | undefined {
  const { before, after } = pair;
  const change = {
    ...pair,
    frontendsRemoved: without(before, after),
    frontendsAdded: without(after, before),
    frontendsKept: (after?.frontends ?? []).filter((frontend) => has(before, frontend)),
    slots: diffSlots(before?.endpoints ?? [], after?.endpoints ?? []),
  };
  return operationCount(change) === 0 ? undefined : change;
}

function diffSlots(before: readonly Endpoint[], after: readonly Endpoint[]): SlotChange[] {
  const changes: SlotChange[] = [];
  const count = Math.max(before.length, after.length);
  for (let slot = 0; slot < count; slot++) {
    const old = before[slot];
    const now = after[slot];
    if (old !== now && !isSame(old, now))
      changes.push({ slot, ...(old && { before: old }), ...(now && { after: now }) });
  }
  return changes;
}

const isSame = (a: Endpoint | undefined, b: Endpoint | undefined): boolean =>
  a?.address === b?.address && a?.port === b?.port && a?.local === b?.local;

const without = (plan: PortPlan | undefined, other: PortPlan | undefined): Frontend[] =>
  (plan?.frontends ?? []).filter((frontend) => !has(other, frontend));

const has = (plan: PortPlan | undefined, { kind, address, port }: Frontend): boolean =>
  plan?.frontends.some((one) => one.kind === kind && one.address === address && one.port === port) ?? false;
