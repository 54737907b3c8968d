import type { KubeObject } from '../meta.ts';
import type { Resource } from '../resource.ts';
import { signingRequestColumns } from './certificates.ts';
import {
  configMapColumns,
  eventColumns,
  leaseColumns,
  namespaceColumns,
  nodeColumns,
  secretColumns,
  serviceAccountColumns,
} from './cluster.ts';
import { ageColumn, type Cell, type Column, nameColumn } from './column.ts';
import { endpointSliceColumns, endpointsColumns } from './endpoints.ts';
import {
  disruptionBudgetColumns,
  ingressClassColumns,
  ingressColumns,
  ipAddressColumns,
  priorityClassColumns,
  runtimeClassColumns,
  serviceCidrColumns,
} from './networking.ts';
import { podColumns } from './pod.ts';
import { roleBindingColumns, roleColumns } from './rbac.ts';
import { serviceColumns } from './service.ts';
import { controllerRevisionColumns, daemonSetColumns, jobColumns, statefulSetColumns } from './sets.ts';
import { deploymentColumns, replicaSetColumns } from './workload.ts';

/** metav1.TableColumnDefinition. */
export type TableColumn = Omit<Column<KubeObject>, 'cell'>;

interface Table<S extends KubeObject = KubeObject> {
  /** Wide columns (priority 1) included: kubectl asks for all and hides those itself. */
  readonly columns: readonly TableColumn[];
  /** The cells of one object, one per column; `nowMs` is milliseconds since the epoch. */
  row(object: S, nowMs: number): Cell[];
}

/** What kubectl prints for a kind, upstream's column by column. */
export function tableOf<S extends KubeObject>(resource: Resource<S>): Table<S> {
  return (tables.get(resource.kind) ?? fallback) as Table<S>;
}

function table<S extends KubeObject>(columns: readonly Column<S>[]): Table<S> {
  return {
    columns: columns.map(({ cell: _cell, ...column }) => column),
    row: (object, nowMs) => columns.map(({ cell }) => cell(object, nowMs)),
  };
}

const fallback = table([nameColumn, ageColumn]);

const tables = new Map<string, Table<never>>([
  ['CertificateSigningRequest', table(signingRequestColumns)],
  ['ClusterRole', table(roleColumns)],
  ['ClusterRoleBinding', table(roleBindingColumns)],
  ['ConfigMap', table(configMapColumns)],
  ['ControllerRevision', table(controllerRevisionColumns)],
  ['DaemonSet', table(daemonSetColumns)],
  ['Deployment', table(deploymentColumns)],
  ['EndpointSlice', table(endpointSliceColumns)],
  ['Endpoints', table(endpointsColumns)],
  ['Event', table(eventColumns)],
  ['IPAddress', table(ipAddressColumns)],
  ['Ingress', table(ingressColumns)],
  ['IngressClass', table(ingressClassColumns)],
  ['Job', table(jobColumns)],
  ['Lease', table(leaseColumns)],
  ['Namespace', table(namespaceColumns)],
  ['Node', table(nodeColumns)],
  ['Pod', table(podColumns)],
  ['PodDisruptionBudget', table(disruptionBudgetColumns)],
  ['PriorityClass', table(priorityClassColumns)],
  ['ReplicaSet', table(replicaSetColumns)],
  ['Role', table(roleColumns)],
  ['RoleBinding', table(roleBindingColumns)],
  ['RuntimeClass', table(runtimeClassColumns)],
  ['Secret', table(secretColumns)],
  ['Service', table(serviceColumns)],
  ['ServiceAccount', table(serviceAccountColumns)],
  ['ServiceCIDR', table(serviceCidrColumns)],
  ['StatefulSet', table(statefulSetColumns)],
]);
