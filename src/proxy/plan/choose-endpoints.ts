import { isIPv4, isIPv6 } from 'node:net';
import type { EndpointSlice, ServicePort, Endpoint as SliceEndpoint } from '../../kube/mod.ts';
import type { Endpoint, LeftOut, LeftOutReason, NodeFacts } from './model.ts';

interface Choice {
  readonly endpoints: readonly Endpoint[];
  readonly leftOut: readonly LeftOut[];
}

/** Lower is better. */
const Standing = { ready: 0, servingTerminating: 1, out: 2 } as const;

interface Candidate {
  readonly endpoint: Endpoint;
  readonly standing: number;
  readonly reason: LeftOutReason;
}

/** Shared by the thousands of ports that leave nobody out. */
const none: readonly never[] = [];

/**
 * The endpoints of one Service port: all that are ready; when none is, those that still serve while they terminate
 * (KEP-1669). An endpoint that is in several slices at once, as happens while it moves, counts with its best condition,
 * so that it is never missing in between.
 */
export function chooseEndpoints(slices: readonly EndpointSlice[], port: ServicePort, node: NodeFacts): Choice {
  const candidates = new Map<string, Candidate>();
  const leftOut: LeftOut[] = [];
  for (const slice of slices) collect(slice, port, node, candidates, leftOut);

  let best: number = Standing.out;
  for (const { standing } of candidates.values()) best = Math.min(best, standing);
  const endpoints: Endpoint[] = [];
  for (const { endpoint, standing, reason } of candidates.values()) {
    if (standing === best && standing !== Standing.out) endpoints.push(endpoint);
    else leftOut.push({ address: endpoint.address, reason });
  }
  return { endpoints, leftOut: leftOut.length > 0 ? leftOut : none };
}

function collect(
  slice: EndpointSlice,
  servicePort: ServicePort,
  node: NodeFacts,
  candidates: Map<string, Candidate>,
  leftOut: LeftOut[],
): void {
  const number = portNumberIn(slice, servicePort);
  const wrongFamily = slice.addressType !== node.family;
  for (const endpoint of slice.endpoints) {
    // All addresses of one endpoint are the same Pod; consumers use the first (discoveryv1.Endpoint.addresses).
    const address = endpoint.addresses[0] ?? '';
    const reason = wrongFamily
      ? 'wrong address family'
      : typeof number === 'string'
        ? number
        : addressFault(address, node);
    if (reason !== undefined) leftOut.push({ address, reason });
    else consider(candidate(endpoint, address, number as number, node), candidates);
  }
}

function consider(candidate: Candidate, candidates: Map<string, Candidate>): void {
  const key = `${candidate.endpoint.address}:${candidate.endpoint.port}`;
  const known = candidates.get(key);
  if (known === undefined) candidates.set(key, candidate);
  else {
    const better = candidate.standing < known.standing ? candidate : known;
    const local = candidate.endpoint.local || known.endpoint.local;
    candidates.set(key, { ...better, endpoint: { ...better.endpoint, local } });
  }
}

function candidate(endpoint: SliceEndpoint, address: string, port: number, node: NodeFacts): Candidate {
  const local = endpoint.nodeName === undefined || endpoint.nodeName === node.name;
  return { endpoint: { address, port, local }, ...standingOf(endpoint) };
}

/** discoveryv1.EndpointConditions: absent means ready, serving as ready says, and not terminating. */
function standingOf({ conditions = {} }: SliceEndpoint): Pick<Candidate, 'standing' | 'reason'> {
  const ready = conditions.ready ?? true;
  const serving = conditions.serving ?? ready;
  const terminating = conditions.terminating ?? false;
  if (ready) return { standing: Standing.ready, reason: 'not ready' };
  if (!terminating) return { standing: Standing.out, reason: 'not ready' };
  return serving
    ? { standing: Standing.servingTerminating, reason: 'terminating while others are ready' }
    : { standing: Standing.out, reason: 'not serving' };
}

/** Slices carry the target port already resolved, under the Service port's name: a number, or why there is none. */
function portNumberIn(slice: EndpointSlice, { name = '', protocol }: ServicePort): number | LeftOutReason {
  const port = (slice.ports ?? []).find((one) => (one.name ?? '') === name && (one.protocol ?? 'TCP') === protocol);
  if (port === undefined) return 'no port of that name';
  return port.port ?? 'port without a number';
}

function addressFault(address: string, { family }: NodeFacts): LeftOutReason | undefined {
  return (family === 'IPv4' ? isIPv4(address) : isIPv6(address)) ? undefined : 'invalid address';
}
