import type { EndpointSlice, ServicePort, Endpoint as SliceEndpoint } from '../../kube/mod.ts';
import { canonicalAddress } from './addresses.ts';
import { type Endpoint, endpointText, type LeftOut, type LeftOutReason, type NodeFacts } from './model.ts';

/** An endpoint that could serve a port, with all that is needed to choose among them. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly standing: Standing;
  /** It goes on with the connections that it has, whatever its standing. */
  readonly serving: boolean;
  /** Undefined: nobody says. */
  readonly nodeName: string | undefined;
  readonly hints: SliceEndpoint['hints'];
}

/** Lower is better. */
export const Standing = { ready: 0, servingTerminating: 1, notServing: 2, notReady: 3 } as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

export interface Candidates {
  readonly list: readonly Candidate[];
  /** Who cannot even be a candidate. */
  readonly leftOut: readonly LeftOut[];
}

/** What one slice brings; the keys are `endpointText`. */
export interface SliceCandidates {
  readonly byKey: readonly (readonly [key: string, Candidate])[];
  readonly leftOut: readonly LeftOut[];
}

/** It is in the other family's plan. */
export const belongsToOtherFamily = ({ addressType }: EndpointSlice, { family }: NodeFacts): boolean =>
  addressType !== family && addressType !== 'FQDN';

export function candidatesIn(slice: EndpointSlice, servicePort: ServicePort, node: NodeFacts): SliceCandidates {
  const byKey: [string, Candidate][] = [];
  const leftOut: LeftOut[] = [];
  const port = portNumberIn(slice, servicePort);
  const reason = slice.addressType === 'FQDN' ? 'wrong address family' : typeof port === 'string' ? port : undefined;
  for (const endpoint of slice.endpoints) {
    // All addresses of one endpoint are the same Pod; consumers use the first (discoveryv1.Endpoint.addresses).
    const text = endpoint.addresses[0] ?? '';
    const address = canonicalAddress(text, node.family);
    if (reason === undefined && address !== undefined) {
      const one = candidate(endpoint, address, port as number, node);
      byKey.push([endpointText(one.endpoint), one]);
    } else leftOut.push({ address: text, reason: reason ?? 'invalid address', serving: false });
  }
  return { byKey, leftOut };
}

/** Of the same endpoint in two slices, as while it moves: its best condition, so that it is never missing in between. */
export function better(candidate: Candidate, known: Candidate): Candidate {
  const winner = candidate.standing < known.standing ? candidate : known;
  const loser = winner === known ? candidate : known;
  const placed = loser.endpoint.local && loser.nodeName !== undefined ? loser : winner;
  return {
    ...winner,
    serving: winner.serving || loser.serving,
    nodeName: placed.nodeName,
    endpoint: { ...winner.endpoint, local: winner.endpoint.local || loser.endpoint.local },
  };
}

function candidate(endpoint: SliceEndpoint, address: string, port: number, node: NodeFacts): Candidate {
  const { nodeName, hints } = endpoint;
  const local = nodeName === undefined || nodeName === node.name;
  return { endpoint: { address, port, local }, nodeName, hints, ...standingOf(endpoint) };
}

/** As kube-proxy reads discoveryv1.EndpointConditions: absent means ready, serving, and not terminating. */
function standingOf({ conditions = {} }: SliceEndpoint): Pick<Candidate, 'standing' | 'serving'> {
  const ready = conditions.ready ?? true;
  const serving = conditions.serving ?? true;
  const terminating = conditions.terminating ?? false;
  if (ready) return { standing: Standing.ready, serving: true };
  if (!terminating) return { standing: Standing.notReady, serving };
  return { standing: serving ? Standing.servingTerminating : Standing.notServing, serving };
}

/** Slices carry the target port already resolved, under the Service port's name: a number, or why there is none. */
function portNumberIn(slice: EndpointSlice, { name = '', protocol }: ServicePort): number | LeftOutReason {
  const port = (slice.ports ?? []).find((one) => (one.name ?? '') === name && (one.protocol ?? 'TCP') === protocol);
  if (port === undefined) return 'no port of that name';
  return port.port || 'port without a number';
}
