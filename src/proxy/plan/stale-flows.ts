import type { PortPair } from './ledger.ts';
import {
  type Endpoint,
  endpointText,
  type Family,
  type Frontend,
  frontendText,
  type LeftOut,
  type PortPlan,
  type Protocol,
} from './model.ts';

/**
 * Flows that conntrack would go on sending where nobody serves them any more. UDP has no end that conntrack could see, so a
 * client that keeps its source port keeps its endpoint. Of other protocols those matter that nobody has answered: whoever
 * repeats his SYN would be sent to the same dead endpoint for two minutes.
 */
export interface StaleFlow {
  readonly family: Family;
  readonly protocol: Protocol;
  /** What the client sends to (conntrack's original destination). */
  readonly frontend: Frontend;
  /**
   * Where conntrack sends it (the reply's source): this endpoint; `any` when the frontend itself is gone; `none` for
   * flows that were not redirected at all, because there was no rule or no endpoint when they began.
   */
  readonly endpoint: Target | 'any' | 'none';
}

type Target = Pick<Endpoint, 'address' | 'port'>;
type Group = NonNullable<PortPlan['cluster']>;

/**
 * What turns stale by these changes: endpoints that are gone or do not serve any more, and frontends that are gone
 * (kubernetes/kubernetes issue 139628 tells which of them upstream missed). An endpoint that serves but takes no new
 * connections, because it terminates or by topology, keeps its flows.
 */
export function staleFlows(pairs: readonly PortPair[]): StaleFlow[] {
  const stale: StaleFlow[] = [];
  for (const { before, after } of pairs) collect(before, after, stale);
  return stale;
}

function collect(before: PortPlan | undefined, after: PortPlan | undefined, stale: StaleFlow[]): void {
  const { name, family } = (after ?? before)!;
  const { protocol } = name;
  const push = (frontend: Frontend, endpoint: StaleFlow['endpoint']) =>
    stale.push({ family, protocol, frontend, endpoint });
  const kept = new Set(after?.frontends.map((frontend) => frontendText(frontend, protocol)));
  const had = new Set(before?.frontends.map((frontend) => frontendText(frontend, protocol)));
  for (const frontend of before?.frontends ?? []) {
    if (!kept.has(frontendText(frontend, protocol))) push(frontend, 'any');
  }
  const gone = before && after ? goneEndpoints(before, after) : [];
  const hadEndpoints = before !== undefined && servesAny(before);
  const hasEndpoints = after !== undefined && servesAny(after);
  for (const frontend of after?.frontends ?? []) {
    const isNew = !had.has(frontendText(frontend, protocol));
    if (hasEndpoints && (isNew || !hadEndpoints)) push(frontend, 'none');
    if (!isNew) for (const endpoint of gone) push(frontend, endpoint);
  }
}

/** So few are searched for one by one: a change of one endpoint among ten thousand costs no table of all. */
const searchedLimit = 8;

function goneEndpoints(before: PortPlan, after: PortPlan): Target[] {
  const suspects = new Map<string, Target>();
  for (const place of ['cluster', 'local'] as const) {
    for (const one of movedFrom(before[place], after[place])) suspects.set(endpointText(one), one);
  }
  if (suspects.size === 0) return [];
  const isServed = suspects.size > searchedLimit ? byTable(after) : bySearch(after);
  return [...suspects.values()].filter((one) => !isServed(one)).map(({ address, port }) => ({ address, port }));
}

/** Who was served in this group and is not in the same place of it any more; whoever stays keeps his, nearly always. */
function movedFrom(before: Group | undefined, after: Group | undefined): Target[] {
  if (before === undefined || before === after) return [];
  const moved: Target[] = [];
  for (let i = 0; i < before.endpoints.length; i++) {
    const one = before.endpoints[i]!;
    if (!isSame(one, after?.endpoints[i])) moved.push(one);
  }
  for (let i = 0; i < before.leftOut.length; i++) {
    const one = before.leftOut[i]!;
    if (isServing(one) && after?.leftOut[i] !== one) moved.push(one);
  }
  return moved;
}

/** Without a copy of all: there may be ten thousand. */
function bySearch({ cluster, local }: PortPlan): (one: Target) => boolean {
  return (one) =>
    [cluster, local].some(
      (group) =>
        group?.endpoints.some((other) => isSame(one, other)) ||
        group?.leftOut.some((other) => isServing(other) && isSame(one, other)),
    );
}

function byTable(plan: PortPlan): (one: Target) => boolean {
  const own = servingEndpoints(plan);
  return (one) => own.has(endpointText(one));
}

const isSame = (one: Target, other: Partial<Target> | undefined): boolean =>
  one === other || (one.address === other?.address && one.port === other.port);

const isServing = (one: LeftOut): one is LeftOut & Target => one.serving && one.port !== undefined;

const servesAny = (plan: PortPlan): boolean => !targets(plan).next().done;

/** Endpoints whose flows may go on: those that take new connections and those that only keep theirs. */
function* targets({ cluster, local }: PortPlan): Generator<Target> {
  for (const group of [cluster, local]) {
    yield* group?.endpoints ?? [];
    for (const one of group?.leftOut ?? []) if (isServing(one)) yield one;
  }
}

/** The same by `endpointText`. */
export const servingEndpoints = (plan: PortPlan): ReadonlyMap<string, Target> =>
  new Map([...targets(plan)].map(({ address, port }) => [endpointText({ address, port }), { address, port }]));
