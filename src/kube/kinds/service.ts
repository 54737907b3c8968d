import { condition, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  atomic,
  boolean,
  filled,
  integer,
  intOrString,
  keyDefault,
  list,
  map,
  mergeList,
  object,
  oneOf,
  required,
  type StoredOf,
  string,
} from '../schema.ts';

/** corev1.ServicePort; `targetPort` is `port` when it is left out. */
export const servicePort = object({
  name: string(),
  protocol: filled(keyDefault(oneOf('TCP', 'UDP', 'SCTP'), 'TCP')),
  appProtocol: string(),
  port: required(integer()),
  targetPort: filled(intOrString()),
  nodePort: integer(),
});
export type ServicePort = StoredOf<typeof servicePort>;

export const serviceSpec = object({
  type: filled(oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName')),
  ports: mergeList(servicePort, 'port', 'protocol'),
  selector: atomic(map(string())),
  clusterIP: string('An address of the service range, None for a headless Service, or empty for a free one'),
  clusterIPs: list(string()),
  ipFamilies: list(oneOf('IPv4', 'IPv6')),
  ipFamilyPolicy: oneOf('SingleStack', 'PreferDualStack', 'RequireDualStack'),
  externalIPs: list(string()),
  externalName: string(),
  sessionAffinity: filled(oneOf('None', 'ClientIP')),
  sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: integer() }) }),
  internalTrafficPolicy: oneOf('Cluster', 'Local'),
  externalTrafficPolicy: oneOf('Cluster', 'Local'),
  healthCheckNodePort: integer(),
  publishNotReadyAddresses: boolean(),
  trafficDistribution: string(),
  loadBalancerIP: string(),
  loadBalancerSourceRanges: list(string()),
  loadBalancerClass: string(),
  allocateLoadBalancerNodePorts: boolean(),
});
export type ServiceSpec = StoredOf<typeof serviceSpec>;

export const Service = defineResource(
  { kind: 'Service', plural: 'services', shortNames: ['svc'], categories: ['all'], subresources: ['status'] },
  object({
    ...typeAndMeta,
    spec: required(serviceSpec),
    status: object({
      conditions: mergeList(condition, 'type'),
      loadBalancer: object({
        ingress: list(
          object({
            ip: string(),
            ipMode: oneOf('VIP', 'Proxy'),
            hostname: string(),
            ports: list(object({ port: required(integer()), protocol: required(string()), error: string() })),
          }),
        ),
      }),
    }),
  }),
);
export type Service = NonNullable<(typeof Service)['_stored']>;
