import type { Job } from '../kinds/batch.ts';
import type { Container } from '../kinds/pod.ts';
import type { DaemonSet, StatefulSet } from '../kinds/sets.ts';
import type { Deployment, ReplicaSet } from '../kinds/workload.ts';
import type { LabelSelector } from '../meta.ts';
import { formatLabelSelector, requirementsOf } from '../selectors/label-selector.ts';
import { ageColumn, type Column, column, nameColumn, none, wide } from './column.ts';

type Templated = Deployment | ReplicaSet | StatefulSet | DaemonSet | Job;

export const templateColumns: readonly Column<Templated>[] = [
  wide('Containers', 'Names of the containers of the template', ({ spec }) => namesText(spec.template.spec.containers)),
  wide('Images', 'Images of the containers of the template', ({ spec }) => imagesText(spec.template.spec.containers)),
  wide('Selector', 'Labels of the Pods that belong', ({ spec }) => selectorText(spec.selector)),
];

export const deploymentColumns: readonly Column<Deployment>[] = [
  nameColumn,
  column(
    'Ready',
    'Pods that are ready, of those wanted',
    ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas}`,
  ),
  column('Up-to-date', 'Pods of the newest template', ({ status }) => status?.updatedReplicas ?? 0),
  column('Available', 'Pods ready for at least minReadySeconds', ({ status }) => status?.availableReplicas ?? 0),
  ageColumn,
  ...templateColumns,
];

export const replicaSetColumns: readonly Column<ReplicaSet>[] = [
  nameColumn,
  column('Desired', 'Pods wanted', ({ spec }) => spec.replicas, 'integer'),
  column('Current', 'Pods there are', ({ status }) => status?.replicas ?? 0, 'integer'),
  column('Ready', 'Pods that are ready', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
  ageColumn,
  ...templateColumns,
];

const namesText = (containers: readonly Container[]) => containers.map(({ name }) => name).join(',');
const imagesText = (containers: readonly Container[]) => containers.map(({ image }) => image ?? '').join(',');
const selectorText = (selector: LabelSelector | undefined) =>
  (selector && formatLabelSelector(requirementsOf(selector))) || none;
