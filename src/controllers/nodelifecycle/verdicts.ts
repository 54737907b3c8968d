import { isDeepStrictEqual } from 'node:util';
import { formatTime, type Node, type Pod, type PodCondition } from '../../kube/mod.ts';
import { podCondition } from '../shared/pods.ts';

type Conditions = NonNullable<NonNullable<Node['status']>['conditions']>;

/** Conditions that only a living agent can vouch for. */
const vouchedTypes = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export const unreachableTaint = 'node.kubernetes.io/unreachable';
export const notReadyTaint = 'node.kubernetes.io/not-ready';

export const isNodeReady = (node: Node): boolean =>
  node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

/**
 * The node as it is to be shown when its agent is silent; undefined: it is shown so already. What is true when the agent
 * is heard again, of the node and of its Pods, only the agent can say: it does when it sees what was written here.
 */
export function silentNode(node: Node, nowMs: number): Node | undefined {
  const before = node.status?.conditions ?? [];
  const message = 'Kubelet stopped posting node status.';
  const missing = before.some(({ type }) => type === 'Ready') ? [] : [unknownCondition('Ready', nowMs, message)];
  const conditions = before.map((condition) =>
    vouchedTypes.includes(condition.type) && condition.status !== 'Unknown'
      ? { ...condition, ...unknownCondition(condition.type, nowMs, message) }
      : condition,
  );
  return withConditions(node, [...conditions, ...missing]);
}

const unknownCondition = (type: string, nowMs: number, message: string) => ({
  type,
  status: 'Unknown' as const,
  lastTransitionTime: formatTime(nowMs),
  reason: 'NodeStatusUnknown',
  message,
});

const withConditions = (node: Node, conditions: Conditions): Node | undefined =>
  isDeepStrictEqual(conditions, node.status?.conditions ?? [])
    ? undefined
    : { ...node, status: { ...node.status, conditions } };

/** The Pod as it is to be shown while its node is silent (upstream's MarkPodsNotReady); undefined: it is not ready anyway. */
export function podOfSilentNode(pod: Pod, nowMs: number): Pod | undefined {
  if (podCondition(pod, 'Ready')?.status !== 'True') return undefined;
  const notReady: PodCondition = {
    type: 'Ready',
    status: 'False',
    lastTransitionTime: formatTime(nowMs),
    reason: 'NodeNotReady',
  };
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? notReady : condition,
  );
  return { ...pod, status: { ...pod.status, conditions } };
}

/** The node with the taints that go with its Ready condition (KEP-382, taint nodes by condition); undefined: it has them. */
export function taintedNode(node: Node, nowMs: number): Node | undefined {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'Unknown';
  const wanted = ready === 'True' ? undefined : ready === 'Unknown' ? unreachableTaint : notReadyTaint;
  const before = node.spec.taints ?? [];
  const others = before.filter(({ key }) => key === wanted || (key !== unreachableTaint && key !== notReadyTaint));
  const missing = ['NoSchedule', 'NoExecute'].filter(
    (effect) => wanted && !others.some((taint) => taint.key === wanted && taint.effect === effect),
  );
  const added = missing.map((effect) => ({
    key: wanted!,
    effect,
    ...(effect === 'NoExecute' ? { timeAdded: formatTime(nowMs) } : {}),
  }));
  const taints = [...others, ...added];
  if (isDeepStrictEqual(taints, before)) return undefined;
  const { taints: _before, ...spec } = node.spec;
  return { ...node, spec: { ...spec, ...(taints.length > 0 ? { taints } : {}) } };
}
