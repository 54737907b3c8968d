import { type Endpoint, endpointText, type PortPlan, portNameText, type TrafficPolicy } from '../../plan/mod.ts';

/** Endpoints by row of their map; with affinity, a row may be nobody's. */
export type Rows = readonly (Endpoint | undefined)[];

/**
 * Affinity remembers a client with its endpoint's number, so that an endpoint keeps its number while it lives, unlike its
 * slot, which changes when another one goes. A newcomer takes the lowest number that is free: whoever was sent there
 * before has lost their endpoint anyway.
 */
export class Numbers {
  readonly #rows = new Map<string, Rows>();

  /** What `assign` has settled. */
  of(port: PortPlan, policy: TrafficPolicy): Rows {
    return this.#rows.get(nameOf(port, policy)) ?? none;
  }

  /** `earlier`, for a port that is new here: what an earlier run has settled. */
  assign(port: PortPlan, policy: TrafficPolicy, wanted: readonly Endpoint[], earlier: EarlierRows = () => none): Rows {
    const name = nameOf(port, policy);
    const rows = assignNumbers(this.#rows.get(name) ?? earlier(port, policy), wanted);
    if (rows.length > 0) this.#rows.set(name, rows);
    else this.#rows.delete(name);
    return rows;
  }

  forget(port: PortPlan): void {
    for (const policy of ['Cluster', 'Local'] as const) this.#rows.delete(nameOf(port, policy));
  }
}

export type EarlierRows = (port: PortPlan, policy: TrafficPolicy) => Rows;

const none: Rows = [];
const nameOf = ({ name }: PortPlan, policy: TrafficPolicy): string => `${portNameText(name)} ${policy}`;

/** When more rows than this share are nobody's, the last endpoints move down; their clients have to draw anew. */
const emptyShareLimit = 1 / 2;

export function assignNumbers(before: Rows, wanted: readonly Endpoint[]): Rows {
  const newcomers = new Map(wanted.map((endpoint) => [endpointText(endpoint), endpoint]));
  const rows = before.map((old) => {
    const key = old && endpointText(old);
    const same = key === undefined ? undefined : newcomers.get(key);
    if (key !== undefined) newcomers.delete(key);
    return same;
  });
  const waiting = [...newcomers.values()];
  for (let i = 0; i < rows.length && waiting.length > 0; i++) rows[i] ??= waiting.shift();
  rows.push(...waiting);
  trim(rows);
  if (rows.length - wanted.length > rows.length * emptyShareLimit) moveDown(rows);
  return rows;
}

function trim(rows: (Endpoint | undefined)[]): void {
  while (rows.length > 0 && rows.at(-1) === undefined) rows.pop();
}

function moveDown(rows: (Endpoint | undefined)[]): void {
  for (let i = 0; i < rows.length; i++) {
    if (rows[i] !== undefined) continue;
    rows[i] = rows.pop();
    trim(rows);
  }
}

/**
 * How many rows the rules draw from: exact for few, then in steps of an eighth, so that a large Service that grows by one
 * does not rewrite a chain that is as long as it has endpoints. The rows beyond the last are nobody's.
 */
export function drawnRows(rows: number): number {
  if (rows <= 16) return rows;
  const step = 2 ** (Math.floor(Math.log2(rows)) - 3);
  return Math.ceil(rows / step) * step;
}
