import type { ConfigMap, Event, Lease, Namespace, Secret, ServiceAccount } from '../kinds/cluster.ts';
import type { Node } from '../kinds/node.ts';
import { ageColumn, type Column, column, nameColumn, none, since, wide } from './column.ts';

export const namespaceColumns: readonly Column<Namespace>[] = [
  nameColumn,
  column('Status', 'Active, or Terminating while its objects are removed', ({ status }) => status?.phase ?? ''),
  ageColumn,
];

export const configMapColumns: readonly Column<ConfigMap>[] = [
  nameColumn,
  column('Data', 'How many keys it has', ({ data, binaryData }) => count(data) + count(binaryData)),
  ageColumn,
];

export const secretColumns: readonly Column<Secret>[] = [
  nameColumn,
  column('Type', 'What the Secret is for', ({ type }) => type),
  column('Data', 'How many keys it has', ({ data }) => count(data)),
  ageColumn,
];

export const serviceAccountColumns: readonly Column<ServiceAccount>[] = [
  nameColumn,
  column('Secrets', 'How many Secrets it may use', ({ secrets }) => secrets?.length ?? 0),
  ageColumn,
];

export const leaseColumns: readonly Column<Lease>[] = [
  nameColumn,
  column('Holder', 'Who holds the lease', ({ spec }) => spec?.holderIdentity ?? ''),
  ageColumn,
];

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  column('Status', 'Whether the node is ready, and whether it takes new Pods', nodeStatus),
  column('Roles', 'The roles that its labels give it', rolesText),
  ageColumn,
  column('Version', 'The version of its agent', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
  wide('Internal-IP', 'Its address within the cluster', (node) => addressOf(node, 'InternalIP')),
  wide('External-IP', 'Its address from outside', (node) => addressOf(node, 'ExternalIP')),
  wide('OS-Image', 'Its operating system', ({ status }) => status?.nodeInfo?.osImage || unknown),
  wide('Kernel-Version', 'Its kernel', ({ status }) => status?.nodeInfo?.kernelVersion || unknown),
  wide(
    'Container-Runtime',
    'What runs its containers',
    ({ status }) => status?.nodeInfo?.containerRuntimeVersion || unknown,
  ),
];

const unknown = '<unknown>';

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${state},SchedulingDisabled` : state;
}

const rolePrefix = 'node-role.kubernetes.io/';

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).map(([key, value]) =>
    key === 'kubernetes.io/role' ? value : key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : '',
  );
  return [...new Set(roles.filter((role) => role !== ''))].sort().join(',') || none;
}

const addressOf = ({ status }: Node, type: string) =>
  status?.addresses?.find((address) => address.type === type)?.address ?? none;

export const eventColumns: readonly Column<Event>[] = [
  column('Last Seen', 'Time since it happened last', lastSeen),
  column('Type', 'Normal or Warning', ({ type }) => type ?? ''),
  column('Reason', 'One word for why', ({ reason }) => reason ?? ''),
  column('Object', 'What it is about', ({ involvedObject: { kind = '', name } }) =>
    name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase(),
  ),
  wide('Subobject', 'The part of the object', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wide('Source', 'Who reports it', ({ source, reportingComponent, reportingInstance }) =>
    [source?.component || reportingComponent, source?.host || reportingInstance].filter(Boolean).join(', '),
  ),
  column('Message', 'What happened', ({ message }) => (message ?? '').trim()),
  wide('First Seen', 'Time since it happened first', firstSeen),
  wide('Count', 'How often it happened', ({ series, count: times }) => series?.count ?? (times || 1)),
  { ...nameColumn, priority: 1 },
];

function firstSeen({ firstTimestamp, eventTime }: Event, nowMs: number): string {
  return since(firstTimestamp ?? eventTime, nowMs);
}

function lastSeen(event: Event, nowMs: number): string {
  if (event.series) return since(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp ? since(event.lastTimestamp, nowMs) : firstSeen(event, nowMs);
}

const count = (entries: object | undefined) => Object.keys(entries ?? {}).length;
