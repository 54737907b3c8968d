import { formatTime, type KubeInput, type Pod } from '../../src/kube/mod.ts';

/** The only Service besides `kubernetes`; its Pod and its label bear the same name. */
export const serviceName = 'ready-to-connect';
export const namespace = 'default';
export const servicePort = 80;
export const podPort = 9376;

/** Where the store keeps them (ARCHITECTURE.md); the slice's name has a random end. */
export const podKey = `/registry/core/pods/${namespace}/${serviceName}`;
export const sliceKeyPrefix = `/registry/discovery.k8s.io/endpointslices/${namespace}/${serviceName}-`;

const metadata = { name: serviceName, namespace, labels: { app: serviceName } };
const image = 'signalbox/none';

export const serviceObject = {
  metadata,
  spec: { selector: metadata.labels, ports: [{ port: servicePort, targetPort: podPort }] },
} satisfies KubeInput & { spec: object };

export const podObject = (nodeName: string) =>
  ({
    metadata,
    spec: { nodeName, containers: [{ name: 'server', image, ports: [{ containerPort: podPort }] }] },
  }) satisfies KubeInput & { spec: object };

/** All that a node agent says of a running Pod, so that the object has its usual size. */
export function podStatus(ready: boolean, podIP: string, hostIP: string, nowMs: number): NonNullable<Pod['status']> {
  const now = formatTime(nowMs);
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? ('True' as const) : ('False' as const),
    lastTransitionTime: now,
  });
  return {
    phase: 'Running',
    conditions: [
      condition('PodReadyToStartContainers', true),
      condition('Initialized', true),
      condition('Ready', ready),
      condition('ContainersReady', ready),
      condition('PodScheduled', true),
    ],
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    containerStatuses: [
      {
        name: 'server',
        state: { running: { startedAt: now } },
        ready,
        restartCount: 0,
        image,
        imageID: image,
        containerID: 'bench://server',
        started: true,
      },
    ],
    qosClass: 'BestEffort',
  };
}
