import type { Frontend } from '../../plan/mod.ts';

/**
 * A pool is one of the ways to choose an endpoint: a map of them, and a chain that draws from it. Pools differ by what a
 * packet is recognized by (a VIP frontend, or a node port) and by the client: with external policy Local, whoever is
 * inside of the cluster draws from all endpoints, and others from those of this node.
 */
export const pools = ['frontends', 'node-ports', 'inside-frontends', 'inside-node-ports'] as const;
export type Pool = (typeof pools)[number];

export type KeyKind = 'frontend' | 'node-port';
export const keyKinds: readonly KeyKind[] = ['frontend', 'node-port'];

export const keyKindOf = (pool: Pool): KeyKind => (pool.endsWith('node-ports') ? 'node-port' : 'frontend');
export const isInside = (pool: Pool): boolean => pool.startsWith('inside-');
export const insideOf = (pool: 'frontends' | 'node-ports') => `inside-${pool}` as const;
export const poolOf = ({ kind }: Frontend) => (kind === 'node-port' ? 'node-ports' : 'frontends');

/** `endpoints`, `node-port-endpoints`, `inside-endpoints`, `inside-node-port-endpoints`. */
export function endpointsMap(pool: Pool): EndpointsMap {
  switch (pool) {
    case 'frontends':
      return 'endpoints';
    case 'node-ports':
      return 'node-port-endpoints';
    case 'inside-frontends':
      return 'inside-endpoints';
    case 'inside-node-ports':
      return 'inside-node-port-endpoints';
  }
}
export type EndpointsMap = 'endpoints' | 'node-port-endpoints' | 'inside-endpoints' | 'inside-node-port-endpoints';
