import { divideQuantity, type Node, type Service } from '../../kube/mod.ts';
import type { WantedEndpoint } from '../shared/slices.ts';

type Hints = NonNullable<WantedEndpoint['endpoint']['hints']>;

/** The share of the cluster's CPU that each zone has; undefined when that cannot be told of every node. */
export type ZoneShares = ReadonlyMap<string, number> | undefined;

export const zoneLabel = 'topology.kubernetes.io/zone';
/** By so much more than its share may an endpoint be asked, before hints are given up (upstream's overloadThreshold). */
const overload = 0.2;
const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/**
 * Who should use which endpoint. `service.kubernetes.io/topology-mode: Auto` deals them out to zones by their CPU, so that
 * none is overloaded, or gives no hints at all; trafficDistribution is the endpoint's own zone or node, come what may
 * (KEP-4444, KEP-3015). An endpoint that is not ready has none.
 */
export function withHints(
  service: Service,
  wanted: readonly WantedEndpoint[],
  shares: ZoneShares,
): readonly WantedEndpoint[] {
  if (wantsAuto(service)) {
    const zones = dealOut(wanted, shares);
    return wanted.map((each) => {
      const zone = zones?.get(each);
      return hinted(each, zone === undefined ? undefined : { forZones: [{ name: zone }] });
    });
  }
  const { trafficDistribution } = service.spec;
  return trafficDistribution === undefined
    ? wanted
    : wanted.map((each) => hinted(each, own(each, trafficDistribution)));
}

/** Newer and older form of the annotation. */
export function wantsAuto({ metadata: { annotations = {} } }: Service): boolean {
  const mode =
    annotations['service.kubernetes.io/topology-mode'] ?? annotations['service.kubernetes.io/topology-aware-hints'];
  return mode === 'Auto' || mode === 'auto';
}

const hinted = ({ endpoint, ports }: WantedEndpoint, hints: Hints | undefined): WantedEndpoint =>
  hints === undefined ? { endpoint, ports } : { endpoint: { ...endpoint, hints }, ports };

function own({ endpoint }: WantedEndpoint, distribution: string): Hints | undefined {
  const { zone, nodeName, conditions } = endpoint;
  if (conditions?.ready === false) return undefined;
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  if (distribution === 'PreferSameNode' && nodeName !== undefined)
    return { ...forZones, forNodes: [{ name: nodeName }] };
  return zone === undefined ? undefined : forZones;
}

/** Undefined: none gets a hint. */
function dealOut(wanted: readonly WantedEndpoint[], shares: ZoneShares): Map<WantedEndpoint, string> | undefined {
  const ready = wanted.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  if (!shares || shares.size < 2 || shares.size > ready.length) return undefined;
  if (ready.some(({ endpoint }) => !endpoint.zone)) return undefined;
  const desired = new Map([...shares].map(([zone, share]) => [zone, share * ready.length]));
  const least = new Map([...desired].map(([zone, count]) => [zone, Math.ceil(count / (1 + overload))]));
  if ([...least.values()].reduce((sum, count) => sum + count, 0) > ready.length) return undefined;
  const zones = new Map(ready.map((each) => [each, each.endpoint.zone!]));
  const counts = new Map<string, number>([...shares.keys()].map((zone) => [zone, 0]));
  for (const zone of zones.values()) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  const surplusOf = (zone: string) => counts.get(zone)! - (desired.get(zone) ?? 0);
  for (const [poor, minimum] of least) {
    while (counts.get(poor)! < minimum) {
      // The minima add up to no more than there are: one zone at least has more than its own.
      const able = [...counts.keys()].filter((zone) => counts.get(zone)! > (least.get(zone) ?? 0));
      const rich = able.reduce((one, other) => (surplusOf(other) > surplusOf(one) ? other : one));
      // Of those that stand there in order of their Pods' names the last one goes: the others stay where they are.
      const [moved] = [...zones].findLast(([, zone]) => zone === rich)!;
      zones.set(moved, poor);
      counts.set(rich, counts.get(rich)! - 1);
      counts.set(poor, counts.get(poor)! + 1);
    }
  }
  return zones;
}

interface NodeShare {
  readonly zone: string | undefined;
  /** Millicores. */
  readonly cpu: number;
}

/** What a node counts for; undefined: not at all, since it is not ready, or of the control plane. */
export function nodeShareOf({ metadata, status }: Node): NodeShare | undefined {
  if (controlPlaneLabels.some((label) => metadata.labels?.[label] !== undefined)) return undefined;
  if (status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') return undefined;
  return { zone: metadata.labels?.[zoneLabel], cpu: Number(divideQuantity(status.allocatable?.cpu ?? '0', '1m')) };
}

export function zoneSharesOf(nodes: Iterable<Node>): ZoneShares {
  const cpus = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    const share = nodeShareOf(node);
    if (!share) continue;
    if (!share.zone || share.cpu <= 0) return undefined;
    cpus.set(share.zone, (cpus.get(share.zone) ?? 0) + share.cpu);
    total += share.cpu;
  }
  return new Map([...cpus].sort(([one], [other]) => (one < other ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}
