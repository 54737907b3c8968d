import { humanDuration } from '../duration.ts';
import type { Job } from '../kinds/batch.ts';
import type { ControllerRevision, DaemonSet, StatefulSet } from '../kinds/sets.ts';
import { controllerOf } from '../object.ts';
import { parseTime } from '../time.ts';
import { ageColumn, type Column, column, labelsText, nameColumn, none, since } from './column.ts';
import { templateColumns } from './workload.ts';

export const statefulSetColumns: readonly Column<StatefulSet>[] = [
  nameColumn,
  column(
    'Ready',
    'Pods that are ready, of those wanted',
    ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas}`,
  ),
  ageColumn,
  ...templateColumns.slice(0, 2),
];

export const daemonSetColumns: readonly Column<DaemonSet>[] = [
  nameColumn,
  column('Desired', 'Nodes that should run a Pod', ({ status }) => status?.desiredNumberScheduled ?? 0, 'integer'),
  column('Current', 'Nodes that run one', ({ status }) => status?.currentNumberScheduled ?? 0, 'integer'),
  column('Ready', 'Nodes whose Pod is ready', ({ status }) => status?.numberReady ?? 0, 'integer'),
  column(
    'Up-to-date',
    'Nodes whose Pod is of the newest template',
    ({ status }) => status?.updatedNumberScheduled ?? 0,
    'integer',
  ),
  column(
    'Available',
    'Nodes whose Pod has been ready for minReadySeconds',
    ({ status }) => status?.numberAvailable ?? 0,
    'integer',
  ),
  column('Node Selector', 'Labels of the nodes that are meant', ({ spec }) =>
    labelsText(spec.template.spec.nodeSelector),
  ),
  ageColumn,
  ...templateColumns,
];

export const controllerRevisionColumns: readonly Column<ControllerRevision>[] = [
  nameColumn,
  column('Controller', 'Whose template it was', (revision) => controllerText(revision)),
  column('Revision', 'Its number', ({ revision }) => revision),
  ageColumn,
];

function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (!owner) return none;
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const jobColumns: readonly Column<Job>[] = [
  nameColumn,
  column('Status', 'How it stands', jobStatus),
  column('Completions', 'Pods that have succeeded, of those wanted', completionsText),
  column('Duration', 'Time from its start to its end', durationText),
  ageColumn,
  ...templateColumns,
];

const finalWords = ['Complete', 'Failed'] as const;
const otherWords = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'] as const;

function jobStatus({ metadata, status }: Job): string {
  const has = (word: string) => status?.conditions?.some(({ type, status: is }) => type === word && is === 'True');
  return finalWords.find(has) ?? (metadata.deletionTimestamp ? 'Terminating' : (otherWords.find(has) ?? 'Running'));
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const { parallelism = 0 } = spec;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: Job, nowMs: number): string {
  if (!status?.startTime) return '';
  if (!status.completionTime) return since(status.startTime, nowMs);
  return humanDuration((parseTime(status.completionTime) ?? 0) - (parseTime(status.startTime) ?? 0));
}
