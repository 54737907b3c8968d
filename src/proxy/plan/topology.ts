import type { EndpointSlice } from '../../kube/mod.ts';
import { type Candidate, Standing } from './candidates.ts';
import type { LeftOutReason, NodeFacts } from './model.ts';

/** Why an endpoint is out of reach by where it is; undefined: it is not. */
export type Topology = (candidate: Candidate) => LeftOutReason | undefined;

/**
 * What hints ask of this node (kube-proxy's topology.go since 1.34; the EndpointSlice controller derives hints from
 * trafficDistribution). All or nothing: node hints count when every ready endpoint has one and some are for this node;
 * else zone hints, when every ready endpoint has one and some are for this node's zone; else nobody is too far. Hints are
 * for ready endpoints only: when there is none, terminating ones are taken wherever they are.
 */
export function topologyOf(candidates: readonly Candidate[], node: NodeFacts): Topology {
  // Nearly no Service has hints, and then the first ready endpoint tells.
  const first = candidates.find(({ standing }) => standing === Standing.ready);
  if (!first?.hints) return everywhere;
  const ready = candidates.filter(({ standing }) => standing === Standing.ready);
  if (ready.every(({ hints }) => hints?.forNodes?.length)) {
    if (ready.some((one) => isHintedToNode(one, node.name))) return only(isHintedToNode, node.name, nodeReason);
  }
  const { zone } = node;
  if (zone !== undefined && ready.every(({ hints }) => hints?.forZones?.length)) {
    if (ready.some((one) => isHintedToZone(one, zone))) return only(isHintedToZone, zone, zoneReason);
  }
  return everywhere;
}

/** Whether the plan could be another one if the node were in another zone. */
export function dependsOnZone(slices: Iterable<EndpointSlice>): boolean {
  for (const { endpoints } of slices) if (endpoints.some(({ hints }) => hints?.forZones?.length)) return true;
  return false;
}

export const everywhere: Topology = () => undefined;

const only =
  (
    isHinted: (one: Candidate, place: string) => boolean,
    place: string,
    reasonOf: (one: Candidate) => LeftOutReason,
  ): Topology =>
  (one) =>
    // What is not ready has a more telling reason than its place.
    one.standing !== Standing.ready || isHinted(one, place) ? undefined : reasonOf(one);

const isHintedToNode = ({ hints }: Candidate, node: string): boolean =>
  hints?.forNodes?.some(({ name }) => name === node) ?? false;

const isHintedToZone = ({ hints }: Candidate, zone: string): boolean =>
  hints?.forZones?.some(({ name }) => name === zone) ?? false;

const nodeReason = ({ hints }: Candidate): LeftOutReason =>
  `hinted to node ${hints!.forNodes!.map(({ name }) => name).join(', ')}`;
const zoneReason = ({ hints }: Candidate): LeftOutReason =>
  `hinted to zone ${hints!.forZones!.map(({ name }) => name).join(', ')}`;
