export { ConfigMap, Event, Lease, Namespace, Secret, ServiceAccount } from './kinds/cluster.ts';
export { type Endpoint, type EndpointPort, Endpoints, EndpointSlice } from './kinds/endpoints.ts';
export { Node, type NodeCondition } from './kinds/node.ts';
export {
  type Container,
  type ContainerState,
  type ContainerStatus,
  Pod,
  type PodCondition,
  type PodSpec,
  type PodStatus,
  type Probe,
} from './kinds/pod.ts';
export { Service, type ServicePort, type ServiceSpec } from './kinds/service.ts';
export { Deployment, ReplicaSet } from './kinds/workload.ts';
export type { KubeInput, KubeObject, LabelSelector, ObjectMeta, ObjectReference, OwnerReference } from './meta.ts';
export { apiVersionOf, type Resource } from './resource.ts';
