import type { PodSpec } from '../../kube/mod.ts';

type Resources = Readonly<Record<string, string | number>> | undefined;

/** pkg/apis/core/v1/helper/qos: Guaranteed when every container's requests equal its limits for both resources. */
export function qosClassOf(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) => resources ?? {});
  const names = ['cpu', 'memory'] as const;
  const has = (list: Resources) => names.some((name) => list?.[name] !== undefined);
  if (!all.some(({ limits, requests }) => has(limits) || has(requests))) return 'BestEffort';
  const guaranteed = all.every(({ limits, requests }) =>
    names.every((name) => {
      const limit = limits?.[name];
      return limit !== undefined && String(requests?.[name] ?? limit) === String(limit);
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
