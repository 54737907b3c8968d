import { formatTime, type KubeInput, type Node, type NodeCondition } from '../../kube/mod.ts';
import type { NodeFacts } from './node-facts.ts';

export interface NodeDescription {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
  /** `process://0.1.0` */
  readonly runtime: string;
  /** `v1.36.0+signalbox.0.1.0` */
  readonly agentVersion: string;
  readonly maxPods: number;
  readonly facts: NodeFacts;
}

export const labelsOf = ({ name, facts }: NodeDescription): Record<string, string> => ({
  'kubernetes.io/hostname': name,
  'kubernetes.io/os': 'linux',
  'kubernetes.io/arch': facts.architecture,
});

export const nodeInputOf = (node: NodeDescription, nowMs: number) =>
  ({
    metadata: { name: node.name, labels: labelsOf(node) },
    spec: { podCIDR: node.podCidr, podCIDRs: [node.podCidr] },
    status: nodeStatusOf(node, undefined, nowMs),
  }) satisfies KubeInput & { spec: object; status: object };

/** What this agent says of its node; others' conditions and fields of the known status are kept. */
export function nodeStatusOf(node: NodeDescription, known: Node['status'], nowMs: number): NonNullable<Node['status']> {
  const { facts } = node;
  const resources = {
    cpu: String(facts.cpu),
    memory: `${Math.floor(facts.memoryBytes / 1024)}Ki`,
    pods: String(node.maxPods),
  };
  const own = conditions.map((condition) => withTimes(condition, known?.conditions, nowMs));
  const others = known?.conditions?.filter(({ type }) => !own.some((condition) => condition.type === type)) ?? [];
  return {
    ...known,
    capacity: resources,
    allocatable: resources,
    conditions: [...own, ...others],
    addresses: [
      { type: 'InternalIP', address: node.address },
      { type: 'Hostname', address: node.name },
    ],
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.machineId,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion: node.runtime,
      kubeletVersion: node.agentVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: facts.architecture,
    },
  };
}

/** Reasons and messages are kubelet's. Pressure is not measured: nothing is evicted here. */
const conditions = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

function withTimes(
  [type, status, reason, message]: (typeof conditions)[number],
  known: readonly NodeCondition[] | undefined,
  nowMs: number,
): NodeCondition {
  const before = known?.find((condition) => condition.type === type);
  const now = formatTime(nowMs);
  const unchanged = before?.status === status && before.lastTransitionTime !== undefined;
  return {
    type,
    status,
    lastHeartbeatTime: now,
    lastTransitionTime: unchanged ? before.lastTransitionTime! : now,
    reason,
    message,
  };
}

/** What a status says of this agent's matters, heartbeat times aside: changes when somebody else has written over it. */
export const fingerprintOf = (status: Node['status']): string => JSON.stringify(comparable(status));

const comparable = (status: Node['status']) => [
  status?.capacity,
  status?.allocatable,
  status?.addresses,
  Object.entries(status?.nodeInfo ?? {}).sort(),
  conditions.map(([name]) => {
    const condition = status?.conditions?.find(({ type }) => type === name);
    return [condition?.type, condition?.status, condition?.reason, condition?.message];
  }),
];
