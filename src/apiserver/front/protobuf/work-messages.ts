import {
  flag,
  inline,
  intOrString,
  labelSelector,
  type Message,
  many,
  number,
  objectMeta,
  one,
  present,
  text,
  texts,
  time,
} from './fields.ts';

/** What `kubectl create job`, `ingress`, `poddisruptionbudget` and `priorityclass` send. */
export const workMessages = (podTemplate: Message): Readonly<Record<string, Message>> => ({
  'batch/v1/Job': {
    1: one('metadata', objectMeta),
    2: one('spec', {
      1: present(number('parallelism')),
      2: present(number('completions')),
      3: present(number('activeDeadlineSeconds')),
      4: one('selector', labelSelector),
      5: present(flag('manualSelector')),
      6: one('template', podTemplate),
      7: present(number('backoffLimit')),
      8: present(number('ttlSecondsAfterFinished')),
      9: present(text('completionMode')),
      10: present(flag('suspend')),
      12: present(number('backoffLimitPerIndex')),
      13: present(number('maxFailedIndexes')),
      14: present(text('podReplacementPolicy')),
      15: present(text('managedBy')),
    }),
    3: one('status', {
      2: time('startTime'),
      3: time('completionTime'),
      4: number('active'),
      5: number('succeeded'),
      6: number('failed'),
      7: text('completedIndexes'),
      9: present(number('ready')),
      11: present(number('terminating')),
    }),
  },
  'networking.k8s.io/v1/Ingress': {
    1: one('metadata', objectMeta),
    2: one('spec', {
      1: one('defaultBackend', backend),
      2: many('tls', { 1: texts('hosts'), 2: text('secretName') }),
      3: many('rules', { 1: text('host'), 2: inline({ 1: one('http', { 1: many('paths', ingressPath) }) }) }),
      4: present(text('ingressClassName')),
    }),
    3: one('status', { 1: one('loadBalancer', {}) }),
  },
  'policy/v1/PodDisruptionBudget': {
    1: one('metadata', objectMeta),
    2: one('spec', {
      1: present(intOrString('minAvailable')),
      2: one('selector', labelSelector),
      3: present(intOrString('maxUnavailable')),
      4: present(text('unhealthyPodEvictionPolicy')),
    }),
    3: one('status', {
      1: number('observedGeneration'),
      3: number('disruptionsAllowed'),
      4: number('currentHealthy'),
      5: number('desiredHealthy'),
      6: number('expectedPods'),
    }),
  },
  'scheduling.k8s.io/v1/PriorityClass': {
    1: one('metadata', objectMeta),
    2: present(number('value')),
    3: flag('globalDefault'),
    4: text('description'),
    5: present(text('preemptionPolicy')),
  },
});

const backend: Message = {
  3: one('resource', { 1: text('apiGroup'), 2: text('kind'), 3: text('name') }),
  4: one('service', { 1: text('name'), 2: one('port', { 1: text('name'), 2: number('number') }) }),
};
const ingressPath: Message = { 1: text('path'), 2: one('backend', backend), 3: present(text('pathType')) };
