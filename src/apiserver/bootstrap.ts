import type { Logger } from '../base/log.ts';
import {
  EndpointSlice,
  Endpoints,
  type KubeObject,
  Namespace,
  PriorityClass,
  type Resource,
  Service,
  ServiceAccount,
  ServiceCIDR,
} from '../kube/mod.ts';
import type { AddressRange } from './allocation/address-range.ts';
import { type Registry, serverWriter } from './registry/registry.ts';
import { isStatusError } from './status-error.ts';

export interface Advertised {
  /** Where Pods reach the API server; the `kubernetes` Service leads there. */
  readonly address: string;
  readonly port: number;
}

export type RegistryOf = (resource: Resource) => Registry;

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

const systemPriorities = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

/** What every cluster begins with, and gets back at each start. */
export async function createDefaults(
  registryOf: RegistryOf,
  ranges: readonly AddressRange[],
  { port }: Pick<Advertised, 'port'>,
  log: Logger,
): Promise<void> {
  for (const name of systemNamespaces) await ensure(registryOf(Namespace), undefined, { metadata: { name } });
  for (const { name, ...fields } of systemPriorities)
    await ensure(registryOf(PriorityClass), undefined, { metadata: { name }, ...fields });
  await ensureServiceCidr(registryOf(ServiceCIDR), ranges, log);
  // The controller sees to other namespaces; in these, Pods may be made at once.
  for (const namespace of systemNamespaces)
    await ensure(registryOf(ServiceAccount), namespace, { metadata: { name: 'default' } });
  await ensure(registryOf(Service), 'default', {
    metadata: { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: ranges[0]!.at(0), ports: [{ name: 'https', port: 443, targetPort: port }] },
  });
}

/** The ranges of the flags as an object; another server, or an earlier start, may have had others. */
async function ensureServiceCidr(registry: Registry, ranges: readonly AddressRange[], log: Logger): Promise<void> {
  const cidrs = ranges.map(({ cidr }) => cidr);
  try {
    await ensure(registry, undefined, { metadata: { name: 'kubernetes' }, spec: { cidrs } });
  } catch (error) {
    if (!isStatusError(error) || error.status.reason !== 'Invalid') throw error;
    log.warn('The ServiceCIDR kubernetes is not what --service-cidr says', { flag: cidrs.join() });
  }
}

/** Where the `kubernetes` Service leads: to these servers, which all listen on one port. Writes only what differs. */
export async function leadKubernetesTo(
  registryOf: RegistryOf,
  addresses: readonly string[],
  port: number,
): Promise<void> {
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  await ensure(registryOf(Endpoints), 'default', {
    metadata: { name: 'kubernetes', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: addresses.length === 0 ? [] : [{ addresses: addresses.map((ip) => ({ ip })), ports }],
  });
  await ensure(registryOf(EndpointSlice), 'default', {
    metadata: { name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports,
  });
}

interface Given {
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

/** Creates it, or writes the given fields anew into the one that is there: the address may be another since. */
export async function ensure(registry: Registry, namespace: string | undefined, given: Given): Promise<void> {
  const { name } = given.metadata;
  const object = { apiVersion: registry.apiVersion, kind: registry.resource.kind, ...given } as unknown as KubeObject;
  try {
    await registry.create(namespace, object, { dryRun: false, owner: serverWriter });
  } catch (error) {
    if (!isStatusError(error) || error.status.reason !== 'AlreadyExists') throw error;
    const { metadata: _, ...fields } = given;
    if (registry.resource === Namespace) return;
    const edit = (draft: KubeObject) => ({ ...draft, ...merged(draft, fields) });
    await registry.edit({ namespace, name }, edit, { dryRun: false, scope: 'object', owner: serverWriter });
  }
}

/** The spec keeps what others have added to it; all else is replaced. */
function merged(draft: KubeObject, { spec, ...fields }: Record<string, unknown>): object {
  const before = (draft as { spec?: object }).spec;
  return spec === undefined ? fields : { ...fields, spec: { ...before, ...(spec as object) } };
}
