import { objectReference, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { boolean, integer, list, map, object, oneOf, required, type StoredOf, string } from '../schema.ts';

const endpointAddress = object({
  ip: required(string()),
  hostname: string(),
  nodeName: string(),
  targetRef: objectReference,
});

/** corev1.Endpoints: the older form, one object per Service. */
export const Endpoints = defineResource(
  { kind: 'Endpoints', plural: 'endpoints', shortNames: ['ep'] },
  object({
    ...typeAndMeta,
    subsets: list(
      object({
        addresses: list(endpointAddress),
        notReadyAddresses: list(endpointAddress),
        ports: list(object({ name: string(), port: required(integer()), protocol: string(), appProtocol: string() })),
      }),
    ),
  }),
);
export type Endpoints = NonNullable<(typeof Endpoints)['_stored']>;

/** discoveryv1.Endpoint; a condition that is absent counts as upstream says: ready and serving true, terminating false. */
export const endpoint = object({
  addresses: required(list(string())),
  conditions: object({ ready: boolean(), serving: boolean(), terminating: boolean() }),
  hostname: string(),
  targetRef: objectReference,
  nodeName: string(),
  zone: string(),
  hints: object({
    forZones: list(object({ name: required(string()) })),
    forNodes: list(object({ name: required(string()) })),
  }),
  deprecatedTopology: map(string()),
});
export type Endpoint = StoredOf<typeof endpoint>;

export const endpointPort = object({
  name: string(),
  protocol: string(),
  port: integer(),
  appProtocol: string(),
});
export type EndpointPort = StoredOf<typeof endpointPort>;

export const EndpointSlice = defineResource(
  { group: 'discovery.k8s.io', kind: 'EndpointSlice', plural: 'endpointslices' },
  object({
    ...typeAndMeta,
    addressType: required(oneOf('IPv4', 'IPv6', 'FQDN')),
    endpoints: required(list(endpoint)),
    ports: list(endpointPort),
  }),
);
export type EndpointSlice = NonNullable<(typeof EndpointSlice)['_stored']>;
