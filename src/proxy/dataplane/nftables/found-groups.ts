import { type FoundGroup, type FoundGroups, type FoundPort, frontendText } from '../../plan/mod.ts';
import { decodeEndpoint, decodeFrontend, frontendKey } from './elements.ts';
import type { FamilyFacts } from './family.ts';
import type { EarlierRows, Rows } from './numbers.ts';
import { endpointsMap, type Pool, pools } from './pools.ts';
import { poolsOf } from './port-elements.ts';

type FoundSets = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Rows by the bytes of the frontend, pool by pool. What makes no sense there is passed over: `converge` removes it. */
class FoundMaps {
  readonly #byPool = new Map<Pool, Map<string, Rows>>();
  readonly #family: FamilyFacts;
  readonly #elements: FoundSets;

  constructor(family: FamilyFacts, elements: FoundSets) {
    this.#family = family;
    this.#elements = elements;
  }

  of(pool: Pool): Map<string, Rows> {
    const known = this.#byPool.get(pool) ?? readRows(this.#family, this.#elements.get(endpointsMap(pool)));
    this.#byPool.set(pool, known);
    return known;
  }
}

/** The rows that an earlier run gave a port's endpoints. */
export function foundRows(family: FamilyFacts, elements: FoundSets): EarlierRows {
  const maps = new FoundMaps(family, elements);
  return (port, wanted) => {
    for (const frontend of port.frontends) {
      for (const { pool, policy } of poolsOf(frontend, port)) {
        const rows = policy === wanted && maps.of(pool).get(frontendKey(frontend, port).toString('latin1'));
        if (rows) return rows;
      }
    }
    return [];
  };
}

/** By the bytes of the frontend. */
function readRows(family: FamilyFacts, elements: ReadonlyMap<string, string> = new Map()): Map<string, Rows> {
  const rows = new Map<string, Map<number, Rows[number]>>();
  for (const [key, data] of elements) {
    const bytes = Buffer.from(key, 'latin1');
    const frontend = key.slice(0, -4);
    const known = rows.get(frontend) ?? new Map();
    rows.set(
      frontend,
      known.set(bytes.readUInt32LE(bytes.length - 4), decodeEndpoint(family, Buffer.from(data, 'latin1'))),
    );
  }
  return new Map([...rows].map(([frontend, known]) => [frontend, inOrder(known)]));
}

/** A row far behind all the others is no number of ours. */
function inOrder(rows: ReadonlyMap<number, Rows[number]>): Rows {
  let last = -1;
  for (const row of rows.keys()) if (row > last && row < rows.size * 4 + 16) last = row;
  return Array.from({ length: last + 1 }, (_, row) => rows.get(row));
}

/** For the plan, which asks by frontend. The table knows no ids, so that any will do. */
export function foundGroups(family: FamilyFacts, elements: FoundSets): FoundGroups {
  const maps = new FoundMaps(family, elements);
  const groups = new Map<string, FoundPort>();
  let id = 0;
  const isIn = (set: string, frontend: string) => elements.get(set)?.has(frontend) ?? false;
  for (const pool of pools) {
    for (const [frontend, rows] of maps.of(pool)) {
      const endpoints = rows.filter((endpoint) => endpoint !== undefined);
      const isLocal = isIn(`local-${pool}`, frontend) || isIn('node-local-vips', frontend);
      const group: FoundGroup = { id: ++id, endpoints };
      const decoded = decodeFrontend(family, pool, Buffer.from(frontend, 'latin1'));
      const name = frontendText(decoded.frontend, decoded.protocol);
      groups.set(name, { ...groups.get(name), ...(isLocal ? { local: group } : { cluster: group }) });
    }
  }
  for (const pool of ['frontends', 'node-ports'] as const) {
    for (const frontend of elements.get(`${pool}-0`)?.keys() ?? []) {
      const { frontend: one, protocol } = decodeFrontend(family, pool, Buffer.from(frontend, 'latin1'));
      groups.set(frontendText(one, protocol), { cluster: { id: ++id, endpoints: [] } });
    }
  }
  return groups;
}
