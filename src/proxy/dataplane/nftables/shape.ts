import { type KeyKind, keyKindOf, type Pool, pools } from './pools.ts';

/** What the table's chains depend on besides the settings: a handful of numbers, however many Services there are. */
export interface Shape {
  readonly pools: Readonly<Record<Pool, PoolShape>>;
  /** Timeouts of affinity that occur. */
  readonly affinitySeconds: Readonly<Record<KeyKind, readonly number[]>>;
  /** Endpoints with affinity have numbers below this. */
  readonly clientNumbers: Readonly<Record<KeyKind, number>>;
  /** Prefix lengths of source ranges that occur. */
  readonly sourceLengths: readonly number[];
}

/**
 * An endpoint's number is kept in two digits, so that ten thousand endpoints take some hundred sets: the kernel finds a set
 * by walking over all of its table.
 */
export const numbersPerBlock = 64;

export interface PoolShape {
  /** Numbers of endpoints that occur, of those without affinity, ascending. */
  readonly drawn: readonly number[];
  /** The same for those with affinity, whose rows may have holes. */
  readonly sticky: readonly number[];
}

/** Read from the names of the sets that have elements (`DynamicSet`). */
export function shapeOf(names: Iterable<string>): Shape {
  const byStem = new Map<string, number[]>();
  for (const name of names) {
    const dash = name.lastIndexOf('-');
    const stem = name.slice(0, dash);
    byStem.set(stem, [...(byStem.get(stem) ?? []), Number(name.slice(dash + 1))]);
  }
  const numbers = (stem: string): number[] => (byStem.get(stem) ?? []).sort((a, b) => a - b);
  const poolShape = (pool: Pool): PoolShape => ({ drawn: numbers(pool), sticky: numbers(`sticky-${pool}`) });
  const byPool = Object.fromEntries(pools.map((pool) => [pool, poolShape(pool)])) as Record<Pool, PoolShape>;
  const clientNumbers = (kind: KeyKind): number =>
    Math.max(0, ...pools.filter((pool) => keyKindOf(pool) === kind).flatMap((pool) => byPool[pool].sticky));
  return {
    pools: byPool,
    affinitySeconds: { frontend: numbers('frontend-affinity'), 'node-port': numbers('node-port-affinity') },
    clientNumbers: { frontend: clientNumbers('frontend'), 'node-port': clientNumbers('node-port') },
    sourceLengths: numbers('sources'),
  };
}
