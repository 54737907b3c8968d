import { Deployment, ReplicaSet } from '../mod.ts';
import { container, labels, testCases } from './validation-case.ts';

const workload = (spec: object = {}, podSpec: object = {}) => ({
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container()], ...podSpec } },
    ...spec,
  },
});

testCases([
  { name: 'a good one', resource: Deployment, object: workload(), errors: [] },
  {
    name: 'fewer than none',
    resource: Deployment,
    object: workload({ replicas: -1 }),
    errors: ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  },
  {
    name: 'a selector of everything',
    resource: Deployment,
    object: workload({ selector: {} }),
    errors: ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  },
  {
    name: 'a selector of others',
    resource: ReplicaSet,
    object: workload({ selector: { matchLabels: { app: 'db' } } }),
    errors: [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  },
  {
    name: 'an expression without values',
    resource: Deployment,
    object: workload({ selector: { matchExpressions: [{ key: 'app', operator: 'In' }] } }),
    errors: [
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
  },
  {
    name: 'an expression with values too many',
    resource: Deployment,
    object: workload({ selector: { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['x'] }] } }),
    errors: [
      "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ],
  },
  {
    name: 'Pods that end',
    resource: Deployment,
    object: workload({}, { restartPolicy: 'Never' }),
    errors: ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  },
  {
    name: 'a broken template',
    resource: Deployment,
    object: workload({}, { containers: [container({ image: '' })] }),
    errors: ['spec.template.spec.containers[0].image: Required value'],
  },
  {
    name: 'a rollout that cannot move',
    resource: Deployment,
    object: workload({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } }),
    errors: ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  },
  {
    name: 'more than all',
    resource: Deployment,
    object: workload({ strategy: { rollingUpdate: { maxUnavailable: '101%' } } }),
    errors: ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
  },
  {
    name: 'half',
    resource: Deployment,
    object: workload({ strategy: { rollingUpdate: { maxSurge: 'half' } } }),
    errors: [
      'spec.strategy.rollingUpdate.maxSurge: Invalid value: "half": a valid percent string must be a numeric string…',
    ],
  },
  {
    name: 'recreated by steps',
    resource: Deployment,
    object: workload({ strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
    errors: ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  },
  {
    name: 'a deadline before readiness',
    resource: Deployment,
    object: workload({ progressDeadlineSeconds: 5, minReadySeconds: 5 }),
    errors: ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
  },
  {
    name: 'another selector',
    resource: Deployment,
    before: workload({ selector: { matchLabels: { app: 'web', a: 'b' } } }),
    object: workload(),
    errors: ['spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable'],
  },
]);
