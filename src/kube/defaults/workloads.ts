import type { Job } from '../kinds/batch.ts';
import type { DaemonSet, StatefulSet } from '../kinds/sets.ts';
import { defaultPodSpec } from './pod.ts';
import { setDefaults } from './set-default.ts';

export function defaultStatefulSet({ spec }: StatefulSet): void {
  setDefaults(spec, {
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate' },
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: {},
  });
  setDefaults(spec.persistentVolumeClaimRetentionPolicy!, { whenDeleted: 'Retain', whenScaled: 'Retain' });
  setDefaults(spec.updateStrategy, { type: 'RollingUpdate' });
  if (spec.updateStrategy.type === 'RollingUpdate')
    spec.updateStrategy.rollingUpdate = { partition: 0, ...spec.updateStrategy.rollingUpdate };
  defaultPodSpec(spec.template.spec);
}

export function defaultDaemonSet({ spec }: DaemonSet): void {
  setDefaults(spec, { updateStrategy: { type: 'RollingUpdate' }, revisionHistoryLimit: 10 });
  setDefaults(spec.updateStrategy, { type: 'RollingUpdate' });
  if (spec.updateStrategy.type === 'RollingUpdate')
    spec.updateStrategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...spec.updateStrategy.rollingUpdate };
  defaultPodSpec(spec.template.spec);
}

const maxInt32 = 2_147_483_647;

export function defaultJob({ spec }: Job): void {
  // Completions alone stay unset when only parallelism is given: then one success is enough (a work queue).
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  setDefaults(spec, {
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : maxInt32,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
  });
  defaultPodSpec(spec.template.spec);
}
