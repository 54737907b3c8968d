import { typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  any,
  boolean,
  filled,
  integer,
  integer64,
  list,
  map,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  type StoredOf,
  setList,
  string,
  time,
} from '../schema.ts';

export const nodeCondition = object({
  type: required(string()),
  status: required(oneOf('True', 'False', 'Unknown')),
  lastHeartbeatTime: time(),
  lastTransitionTime: time(),
  reason: string(),
  message: string(),
});
export type NodeCondition = StoredOf<typeof nodeCondition>;

export const Node = defineResource(
  { kind: 'Node', plural: 'nodes', shortNames: ['no'], namespaced: false, subresources: ['status'] },
  object({
    ...typeAndMeta,
    spec: filled(
      object({
        podCIDR: string(),
        podCIDRs: setList(string()),
        providerID: string(),
        unschedulable: boolean(),
        configSource: any(),
        externalID: string(),
        taints: list(
          object({ key: required(string()), value: string(), effect: required(string()), timeAdded: time() }),
        ),
      }),
    ),
    status: object({
      capacity: map(quantity()),
      allocatable: map(quantity()),
      phase: string(),
      conditions: mergeList(nodeCondition, 'type'),
      addresses: mergeList(object({ type: required(string()), address: required(string()) }), 'type'),
      daemonEndpoints: object({ kubeletEndpoint: object({ Port: required(integer()) }) }),
      nodeInfo: object({
        machineID: filled(string()),
        systemUUID: filled(string()),
        bootID: filled(string()),
        kernelVersion: filled(string()),
        osImage: filled(string()),
        containerRuntimeVersion: filled(string()),
        kubeletVersion: filled(string()),
        kubeProxyVersion: filled(string()),
        operatingSystem: filled(string()),
        architecture: filled(string()),
        swap: object({ capacity: integer64() }),
      }),
      images: list(object({ names: list(string()), sizeBytes: integer64() })),
      volumesInUse: list(string()),
      volumesAttached: list(object({ name: required(string()), devicePath: required(string()) })),
      config: any(),
      runtimeHandlers: list(any()),
      features: any(),
      declaredFeatures: list(string()),
    }),
  }),
);
export type Node = NonNullable<(typeof Node)['_stored']>;
