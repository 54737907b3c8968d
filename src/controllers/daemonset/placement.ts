import { type DaemonSet, isTolerated, type Node, type Pod, selectsNode } from '../../kube/mod.ts';
import type { Template } from '../shared/revisions.ts';

type PodSpec = Template['spec'];
type Toleration = NonNullable<PodSpec['tolerations']>[number];

const tolerated = (name: string, effect: string): Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect,
});

/** A node's troubles are no reason to take away what runs on every node (upstream's AddOrUpdateDaemonPodTolerations). */
const added: readonly Toleration[] = [
  tolerated('not-ready', 'NoExecute'),
  tolerated('unreachable', 'NoExecute'),
  tolerated('disk-pressure', 'NoSchedule'),
  tolerated('memory-pressure', 'NoSchedule'),
  tolerated('pid-pressure', 'NoSchedule'),
  tolerated('unschedulable', 'NoSchedule'),
];

const isSame = (a: Toleration, b: Toleration) => a.key === b.key && a.effect === b.effect;

export function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const more = hostNetwork ? [...added, tolerated('network-unavailable', 'NoSchedule')] : added;
  return [...tolerations.filter((own) => !more.some((each) => isSame(own, each))), ...more];
}

/** The scheduler puts the Pod on this node and on no other; the wish for certain nodes has been granted by then. */
export function affinityFor({ affinity }: PodSpec, node: string): NonNullable<PodSpec['affinity']> {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } };
  return { ...affinity, nodeAffinity: { ...affinity?.nodeAffinity, ...required } };
}

/** The node that a Pod was made for, whether or not it has been bound to it. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const fields = terms.flatMap(({ matchFields = [] }) => matchFields);
  return fields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0];
}

export interface Fit {
  /** A Pod belongs there. */
  readonly shouldRun: boolean;
  /** One that is there may stay. */
  readonly mayStay: boolean;
}

/** Upstream's NodeShouldRunDaemonPod. */
export function fitOf({ spec: { template } }: DaemonSet, node: Node): Fit {
  const { spec } = template;
  const isMeant = (!spec.nodeName || spec.nodeName === node.metadata.name) && selectsNode(spec, node);
  const tolerations = tolerationsOf(spec);
  const repels = (effects: readonly string[]) =>
    node.spec.taints?.some((taint) => effects.includes(taint.effect) && !isTolerated({ tolerations }, taint)) ?? false;
  return { shouldRun: isMeant && !repels(['NoSchedule', 'NoExecute']), mayStay: isMeant && !repels(['NoExecute']) };
}
