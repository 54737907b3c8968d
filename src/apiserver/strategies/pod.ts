import type { Pod } from '../../kube/mod.ts';
import type { Strategy } from '../registry/strategy.ts';

export const podStrategy: Strategy<Pod> = {
  countsGenerations: true,
  prepareCreate(draft) {
    draft.status = { phase: 'Pending', qosClass: qosClassOf(draft) };
  },
  prepareUpdate(draft, before) {
    // Pods are assigned by the binding subresource alone.
    if (before.spec.nodeName !== undefined) draft.spec.nodeName ??= before.spec.nodeName;
  },
  /** A Pod that no node runs, or that has ended, has nobody to say goodbye to (upstream's podStrategy.CheckGracefulDelete). */
  gracePeriodSeconds(pod, asked) {
    const own = pod.spec.terminationGracePeriodSeconds ?? 30;
    const running = pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
    if (!pod.spec.nodeName || !running) return 0;
    const seconds = asked ?? pod.metadata.deletionGracePeriodSeconds ?? own;
    return seconds < 0 ? 1 : seconds;
  },
};

const kinds = ['cpu', 'memory'] as const;

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
function qosClassOf({ spec }: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => ({
    limits: resources?.limits ?? {},
    requests: resources?.requests ?? {},
  }));
  const asksNothing = ({ limits, requests }: (typeof containers)[number]) =>
    kinds.every((kind) => limits[kind] === undefined && requests[kind] === undefined);
  if (containers.every(asksNothing)) return 'BestEffort';
  const isGuaranteed = containers.every(({ limits, requests }) =>
    kinds.every((kind) => limits[kind] !== undefined && (requests[kind] ?? limits[kind]) === limits[kind]),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
