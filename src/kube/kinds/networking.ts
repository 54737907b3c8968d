import { condition, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { atomic, integer, list, mergeList, object, oneOf, required, string } from '../schema.ts';

const group = 'networking.k8s.io';

/** corev1.TypedLocalObjectReference. */
const typedReference = atomic(object({ apiGroup: string(), kind: required(string()), name: required(string()) }));

const backend = object({
  service: object({ name: required(string()), port: object({ name: string(), number: integer() }) }),
  resource: typedReference,
});

export const Ingress = defineResource(
  { group, kind: 'Ingress', plural: 'ingresses', shortNames: ['ing'], subresources: ['status'] },
  object({
    ...typeAndMeta,
    spec: object({
      ingressClassName: string(),
      defaultBackend: backend,
      tls: list(object({ hosts: list(string()), secretName: string() })),
      rules: list(
        object({
          host: string(),
          http: object({
            paths: required(
              list(
                object({
                  path: string(),
                  pathType: required(oneOf('Exact', 'Prefix', 'ImplementationSpecific')),
                  backend: required(backend),
                }),
              ),
            ),
          }),
        }),
      ),
    }),
    status: object({
      loadBalancer: object({
        ingress: list(
          object({
            ip: string(),
            hostname: string(),
            ports: list(object({ port: required(integer()), protocol: required(string()), error: string() })),
          }),
        ),
      }),
    }),
  }),
);
export type Ingress = NonNullable<(typeof Ingress)['_stored']>;

export const IngressClass = defineResource(
  { group, kind: 'IngressClass', plural: 'ingressclasses', namespaced: false },
  object({
    ...typeAndMeta,
    spec: object({
      controller: string(),
      parameters: object({
        apiGroup: string(),
        kind: required(string()),
        name: required(string()),
        scope: oneOf('Cluster', 'Namespace'),
        namespace: string(),
      }),
    }),
  }),
);
export type IngressClass = NonNullable<(typeof IngressClass)['_stored']>;

export const ServiceCIDR = defineResource(
  { group, kind: 'ServiceCIDR', plural: 'servicecidrs', namespaced: false, subresources: ['status'] },
  object({
    ...typeAndMeta,
    spec: object({ cidrs: list(string()) }),
    status: object({ conditions: mergeList(condition, 'type') }),
  }),
);
export type ServiceCIDR = NonNullable<(typeof ServiceCIDR)['_stored']>;

export const IPAddress = defineResource(
  { group, kind: 'IPAddress', plural: 'ipaddresses', shortNames: ['ip'], namespaced: false },
  object({
    ...typeAndMeta,
    spec: object({
      parentRef: object({ group: string(), resource: string(), namespace: string(), name: string() }),
    }),
  }),
);
export type IPAddress = NonNullable<(typeof IPAddress)['_stored']>;
