import type { PortPair } from './ledger.ts';
import { type Endpoint, endpointText, type Family, type Frontend, frontendText, type PortPlan } from './model.ts';

/**
 * UDP flows that conntrack would go on sending where nobody serves them any more: UDP has no end that conntrack could
 * see, so a client that keeps its source port keeps its endpoint.
 */
export interface StaleFlow {
  readonly family: Family;
  /** What the client sends to (conntrack's original destination). */
  readonly frontend: Frontend;
  /**
   * Where conntrack sends it (the reply's source): this endpoint; `any` when the frontend itself is gone; `none` for
   * flows that were not redirected at all, because there was no rule or no endpoint when they began.
   */
  readonly endpoint: Pick<Endpoint, 'address' | 'port'> | 'any' | 'none';
}

/**
 * What turns stale by these changes: endpoints that are gone or do not serve any more, and frontends that are gone
 * (kubernetes/kubernetes issue 139628 tells which of them upstream missed). An endpoint that serves but takes no new
 * connections, because it terminates or by topology, keeps its flows.
 */
export function staleFlows(pairs: readonly PortPair[]): StaleFlow[] {
  const stale: StaleFlow[] = [];
  for (const { before, after } of pairs) {
    if ((after ?? before)!.name.protocol === 'UDP') collect(before, after, stale);
  }
  return stale;
}

function collect(before: PortPlan | undefined, after: PortPlan | undefined, stale: StaleFlow[]): void {
  const { name, family } = (after ?? before)!;
  const kept = new Set(after?.frontends.map((frontend) => frontendText(frontend, name.protocol)));
  const had = new Set(before?.frontends.map((frontend) => frontendText(frontend, name.protocol)));
  for (const frontend of before?.frontends ?? []) {
    if (!kept.has(frontendText(frontend, name.protocol))) stale.push({ family, frontend, endpoint: 'any' });
  }
  const gone = goneEndpoints(before, after);
  const hadEndpoints = before !== undefined && servingEndpoints(before).size > 0;
  const hasEndpoints = after !== undefined && servingEndpoints(after).size > 0;
  for (const frontend of after?.frontends ?? []) {
    const isNew = !had.has(frontendText(frontend, name.protocol));
    if (hasEndpoints && (isNew || !hadEndpoints)) stale.push({ family, frontend, endpoint: 'none' });
    if (!isNew) for (const endpoint of gone) stale.push({ family, frontend, endpoint });
  }
}

function goneEndpoints(before: PortPlan | undefined, after: PortPlan | undefined): StaleFlow['endpoint'][] {
  if (before === undefined || after === undefined) return [];
  const serving = servingEndpoints(after);
  return [...servingEndpoints(before)].filter(([key]) => !serving.has(key)).map(([, endpoint]) => endpoint);
}

/** Endpoints whose flows may go on, by `endpointText`: those that take new connections and those that only keep theirs. */
export function servingEndpoints({ cluster, local }: PortPlan): Map<string, Pick<Endpoint, 'address' | 'port'>> {
  const serving = new Map<string, Pick<Endpoint, 'address' | 'port'>>();
  for (const group of [cluster, local]) {
    for (const endpoint of group?.endpoints ?? []) serving.set(endpointText(endpoint), endpoint);
    for (const { serving: serves, address, port } of group?.leftOut ?? []) {
      if (serves && port !== undefined) serving.set(endpointText({ address, port }), { address, port });
    }
  }
  return serving;
}
