import type { PodSpec } from './kinds/pod.ts';
import { compareQuantities } from './quantity.ts';

type Resources = Readonly<Record<string, string | number>> | undefined;

const names = ['cpu', 'memory'] as const;

/**
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/: Guaranteed when every container's requests equal its
 * limits for both resources, which is so when it has limits alone; an amount of nothing counts as none (pkg/apis/core/v1/helper/qos).
 */
export function qosClassOf(spec: Pick<PodSpec, 'containers' | 'initContainers'>) {
  const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) => resources ?? {});
  const asksNothing = all.every(({ limits, requests }) =>
    names.every((name) => !amountOf(limits, name) && !amountOf(requests, name)),
  );
  if (asksNothing) return 'BestEffort';
  const isGuaranteed = all.every(({ limits, requests }) =>
    names.every((name) => {
      const limit = amountOf(limits, name);
      return limit !== undefined && compareQuantities(amountOf(requests, name) ?? limit, limit) === 0;
    }),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function amountOf(resources: Resources, name: (typeof names)[number]): string | number | undefined {
  const amount = resources?.[name];
  return amount !== undefined && compareQuantities(amount, 0) > 0 ? amount : undefined;
}
