import { isTolerated, type Node, type Pod, selectsNode } from '../kube/mod.ts';

type Taint = NonNullable<Node['spec']['taints']>[number];

/** A node and what the scheduler counts on it, Pods included that were bound just now and are not yet seen there. */
export interface Candidate {
  readonly node: Node;
  readonly pods: number;
  /** How many of them have the same controller as the Pod to place. */
  readonly siblings: number;
}

/** The kubelet's default for nodes that do not say. */
const defaultCapacity = 110;

export const capacityOf = ({ status }: Node): number => {
  const pods = Number(status?.allocatable?.pods ?? status?.capacity?.pods ?? defaultCapacity);
  return Number.isFinite(pods) ? pods : defaultCapacity;
};

/** Why the Pod cannot go there, in kube-scheduler's words; undefined: it can. */
export function obstacle(pod: Pod, { node, pods }: Candidate): string | undefined {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  if (ready !== 'True' && !toleratesNotReady(pod)) return 'node(s) were not ready';
  if (node.spec.unschedulable && !toleratesUnschedulable(pod)) return 'node(s) were unschedulable';
  if (!selectsNode(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  const taint = node.spec.taints?.find((each) => repels(each) && !isTolerated(pod.spec, each));
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  return pods >= capacityOf(node) ? 'Too many pods' : undefined;
}

/** Taints that say the same as a condition are met by the Pod only if it tolerates them; PreferNoSchedule is no obstacle. */
const repels = ({ effect }: Taint): boolean => effect === 'NoSchedule' || effect === 'NoExecute';

const toleratesUnschedulable = (pod: Pod): boolean =>
  isTolerated(pod.spec, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' });

const toleratesNotReady = (pod: Pod): boolean =>
  isTolerated(pod.spec, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' });

export type Placement =
  | { readonly node: Node }
  /** `0/3 nodes are available: 1 Too many pods, 2 node(s) were not ready.` */
  | { readonly refusal: string };

/** The node with the fewest of the Pod's siblings; of several, the one with the most free slots. */
export function place(pod: Pod, candidates: readonly Candidate[]): Placement {
  const obstacles = new Map<string, number>();
  let best: Candidate | undefined;
  for (const candidate of candidates) {
    const why = obstacle(pod, candidate);
    if (why !== undefined) obstacles.set(why, (obstacles.get(why) ?? 0) + 1);
    else if (!best || isBetter(candidate, best)) best = candidate;
  }
  return best ? { node: best.node } : { refusal: refusalOf(candidates.length, obstacles) };
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.siblings !== b.siblings) return a.siblings < b.siblings;
  const freeA = capacityOf(a.node) - a.pods;
  const freeB = capacityOf(b.node) - b.pods;
  if (freeA !== freeB) return freeA > freeB;
  return a.node.metadata.name < b.node.metadata.name;
}

function refusalOf(nodes: number, obstacles: ReadonlyMap<string, number>): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const parts = [...obstacles].map(([why, count]) => `${count} ${why}`).sort();
  return `0/${nodes} nodes are available: ${parts.join(', ')}.`;
}
