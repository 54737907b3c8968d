import { type FieldError, invalid, Job } from '../../kube/mod.ts';
import type { Strategy } from '../registry/strategy.ts';
import { refuse } from '../status-error.ts';

/** Both names: the older one is what scripts select by. */
const uidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'] as const;
const nameLabels = ['batch.kubernetes.io/job-name', 'job-name'] as const;

export const jobStrategy: Strategy<Job> = {
  countsGenerations: true,
  prepareCreate(draft) {
    draft.status = {};
    generateSelector(draft);
  },
};

/** Upstream's generateSelector: a Job's Pods are told from those of an earlier Job of its name by its uid. */
function generateSelector({ metadata, spec }: Job): void {
  if (spec.manualSelector) return;
  const { uid, name } = metadata;
  if (spec.selector && spec.selector.matchLabels?.[uidLabels[0]] !== uid)
    refuse(invalid(Job, name, [notGenerated(spec.selector)]));
  spec.selector = { matchLabels: { [uidLabels[0]]: uid } };
  const labels = Object.fromEntries([
    ...uidLabels.map((label) => [label, uid]),
    ...nameLabels.map((label) => [label, name]),
  ]);
  spec.template.metadata = { ...spec.template.metadata, labels: { ...spec.template.metadata?.labels, ...labels } };
}

const notGenerated = (selector: unknown): FieldError => ({
  path: 'spec.selector',
  type: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(selector)}: \`selector\` not auto-generated`,
});
