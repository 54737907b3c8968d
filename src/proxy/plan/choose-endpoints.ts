import { type Candidate, type Candidates, Standing } from './candidates.ts';
import type { Endpoint, GroupDraft, LeftOut, LeftOutReason, NodeFacts } from './model.ts';
import { everywhere, type Topology, topologyOf } from './topology.ts';

/** Shared by the thousands of ports that leave nobody out. */
const none: readonly never[] = [];

/**
 * The endpoints of traffic policy Cluster: all that are ready and near, as hints say; when none is ready, those that
 * still serve while they terminate, near or far (KEP-1669).
 */
export function clusterGroup(candidates: Candidates, node: NodeFacts): GroupDraft {
  const topology = topologyOf(candidates.list, node);
  return group(candidates, topology);
}

/** The endpoints of traffic policy Local: those of this node, with the same preference and without hints. */
export function localGroup(candidates: Candidates, node: NodeFacts): GroupDraft {
  return group(candidates, ({ nodeName }) => {
    if (nodeName === undefined) return 'nobody says on which node';
    return nodeName === node.name ? undefined : 'on another node';
  });
}

/** Whether a connection could be served at all, on whatever node. */
export const hasUsable = ({ list }: Candidates): boolean =>
  list.some(({ standing }) => standing <= Standing.servingTerminating);

/** Distinct Pods of this node that are ready: what a load balancer's health check asks for. */
export function readyHere({ list }: Candidates, node: NodeFacts): string[] {
  return list
    .filter(({ standing, nodeName }) => standing === Standing.ready && nodeName === node.name)
    .map(({ endpoint }) => endpoint.address);
}

function group({ list, leftOut: faulty }: Candidates, outOfReach: Topology): GroupDraft {
  let best: Standing = Standing.notServing;
  for (const one of list) {
    if (one.standing < best && outOfReach(one) === undefined) best = one.standing;
    if (best === Standing.ready) break;
  }
  const endpoints: Endpoint[] = [];
  const leftOut: LeftOut[] = [...faulty];
  for (const one of list) {
    const reason = (outOfReach === everywhere ? undefined : outOfReach(one)) ?? behind(one, best);
    if (reason === undefined) endpoints.push(one.endpoint);
    else leftOut.push({ address: one.endpoint.address, port: one.endpoint.port, reason, serving: one.serving });
  }
  return { endpoints, leftOut: leftOut.length > 0 ? leftOut : none };
}

function behind({ standing }: Candidate, best: Standing): LeftOutReason | undefined {
  if (standing === Standing.notReady) return 'not ready';
  if (standing === Standing.notServing) return 'not serving';
  return standing === best ? undefined : 'terminating while others are ready';
}
