/**
 * What it takes to read and follow objects, for programs that count their memory: without defaults, validation, patches,
 * tables and OpenAPI, which cost a process 5 MiB. `mod.ts` has all of it.
 */
export { CertificateSigningRequest } from './kinds/certificates.ts';
export { ConfigMap, Event, Lease, Namespace, ServiceAccount } from './kinds/cluster.ts';
export { type Endpoint, type EndpointPort, EndpointSlice } from './kinds/endpoints.ts';
export { Pod } from './kinds/pod.ts';
export { Service, type ServicePort } from './kinds/service.ts';
export type { KubeInput, KubeObject } from './meta.ts';
export { keyOf } from './object.ts';
export { parseResolvConf } from './pod-dns.ts';
export { apiVersionOf, type Resource } from './resource.ts';
export { parseLabelSelector } from './selectors/label-selector.ts';
export * from './status.ts';
export { formatMicroTime } from './time.ts';
