import type { Endpoint, Frontend, PortPair, PortPlan, TrafficPolicy } from '../plan/mod.ts';

/**
 * What has to change for one Service port. Dataplanes with maps (nftables, eBPF) follow the slots; those with a chain or
 * a virtual server per port (iptables, IPVS) use `before` and `after`, which also say the port's name and protocol.
 */
export interface PortChange extends PortPair {
  readonly frontendsRemoved: readonly Frontend[];
  readonly frontendsAdded: readonly Frontend[];
  /** Those that stay, which a dataplane may have to rewrite when `aspects` or the number of endpoints changed. */
  readonly frontendsKept: readonly Frontend[];
  readonly slots: readonly SlotChange[];
  /** What else differs between a port that was there before and is there after. */
  readonly aspects: ReadonlySet<Aspect>;
}

/** `routes` is also a group that came or went. */
export type Aspect = 'routes' | 'affinity' | 'firewall' | 'health check';

export interface SlotChange {
  /** In which of the port's groups. */
  readonly policy: TrafficPolicy;
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
export const operationCount = ({ frontendsAdded, frontendsRemoved, slots, aspects }: PortChange): number =>
  frontendsAdded.length + frontendsRemoved.length + slots.length + aspects.size;

function diffPort(pair: PortPair): PortChange | undefined {
  const { before, after } = pair;
  const slots: SlotChange[] = [];
  diffSlots('Cluster', before?.cluster?.endpoints ?? none, after?.cluster?.endpoints ?? none, slots);
  diffSlots('Local', before?.local?.endpoints ?? none, after?.local?.endpoints ?? none, slots);
  const change = {
    ...pair,
    frontendsRemoved: without(before, after),
    frontendsAdded: without(after, before),
    frontendsKept: (after?.frontends ?? []).filter((frontend) => has(before, frontend)),
    slots,
    aspects: before && after ? diffAspects(before, after) : noAspects,
  };
  return operationCount(change) === 0 ? undefined : change;
}

const none: readonly Endpoint[] = [];
const noAspects: ReadonlySet<Aspect> = new Set();

function diffAspects(before: PortPlan, after: PortPlan): ReadonlySet<Aspect> {
  const aspects = new Set<Aspect>();
  if (routesText(before) !== routesText(after)) aspects.add('routes');
  if (before.affinitySeconds !== after.affinitySeconds) aspects.add('affinity');
  if (firewallText(before) !== firewallText(after)) aspects.add('firewall');
  if (before.healthCheckNodePort !== after.healthCheckNodePort) aspects.add('health check');
  return aspects.size > 0 ? aspects : noAspects;
}

const routesText = ({ internal, external, cluster, local }: PortPlan): string =>
  [internal.policy, internal.verdict, external?.policy, external?.verdict, cluster?.id, local?.id].join(' ');

const firewallText = ({ firewall }: PortPlan): string =>
  firewall ? `${firewall.ranges.join(' ')} ${firewall.admitsNode}` : '';

function diffSlots(
  policy: TrafficPolicy,
  before: readonly Endpoint[],
  after: readonly Endpoint[],
  changes: SlotChange[],
): void {
  if (before === after) return;
  const count = Math.max(before.length, after.length);
  for (let slot = 0; slot < count; slot++) {
    const old = before[slot];
    const now = after[slot];
    if (old !== now && !isSame(old, now)) {
      changes.push({ policy, slot, ...(old && { before: old }), ...(now && { after: now }) });
    }
  }
}

const isSame = (a: Endpoint | undefined, b: Endpoint | undefined): boolean =>
  a?.address === b?.address && a?.port === b?.port && a?.local === b?.local;

const without = (plan: PortPlan | undefined, other: PortPlan | undefined): Frontend[] =>
  (plan?.frontends ?? []).filter((frontend) => !has(other, frontend));

const has = (plan: PortPlan | undefined, { kind, address, port }: Frontend): boolean =>
  plan?.frontends.some((one) => one.kind === kind && one.address === address && one.port === port) ?? false;
