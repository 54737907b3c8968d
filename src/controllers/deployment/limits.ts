import { type Deployment, resolveIntOrPercent } from '../../kube/mod.ts';

export interface Limits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Percentages of the wanted replicas, the surge rounded up, the rest down; both 0 would stand still (upstream's ResolveFenceposts). */
export function limitsOf({ spec }: Deployment): Limits {
  if (spec.strategy.type === 'Recreate') return { maxSurge: 0, maxUnavailable: spec.replicas };
  const { maxSurge: surge = '25%', maxUnavailable: unavailable = '25%' } = spec.strategy.rollingUpdate ?? {};
  const maxSurge = resolveIntOrPercent(surge, spec.replicas, true);
  const maxUnavailable = resolveIntOrPercent(unavailable, spec.replicas, false);
  return {
    maxSurge,
    maxUnavailable: Math.min(maxSurge === 0 ? Math.max(1, maxUnavailable) : maxUnavailable, spec.replicas),
  };
}
