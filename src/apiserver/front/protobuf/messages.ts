/**
 * The messages that kubectl's `create` commands send in protobuf, whatever the server says it accepts. Field numbers from
 * the generated.proto files of k8s.io/api and k8s.io/apimachinery.
 */

import {
  bytesMap,
  flag,
  intOrString,
  labelSelector,
  type Message,
  many,
  number,
  objectMeta,
  one,
  present,
  text,
  textMap,
  texts,
} from './fields.ts';
import { identityMessages } from './identity-messages.ts';
import { workMessages } from './work-messages.ts';

const localReference: Message = { 1: text('name') };

const namespace: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', { 1: texts('finalizers') }),
  3: one('status', { 1: text('phase') }),
};

const configMap: Message = {
  1: one('metadata', objectMeta),
  2: textMap('data'),
  3: bytesMap('binaryData'),
  4: present(flag('immutable')),
};

const secret: Message = {
  1: one('metadata', objectMeta),
  2: bytesMap('data'),
  3: text('type'),
  4: textMap('stringData'),
  5: present(flag('immutable')),
};

const serviceAccount: Message = {
  1: one('metadata', objectMeta),
  2: many('secrets', { 1: text('kind'), 2: text('namespace'), 3: text('name') }),
  3: many('imagePullSecrets', localReference),
  4: present(flag('automountServiceAccountToken')),
};

const servicePort: Message = {
  1: text('name'),
  2: text('protocol'),
  3: number('port'),
  4: intOrString('targetPort'),
  5: number('nodePort'),
  6: present(text('appProtocol')),
};

const service: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', {
    1: many('ports', servicePort),
    2: textMap('selector'),
    3: text('clusterIP'),
    4: text('type'),
    5: texts('externalIPs'),
    7: text('sessionAffinity'),
    8: text('loadBalancerIP'),
    9: texts('loadBalancerSourceRanges'),
    10: text('externalName'),
    11: text('externalTrafficPolicy'),
    12: number('healthCheckNodePort'),
    13: flag('publishNotReadyAddresses'),
    14: one('sessionAffinityConfig', { 1: one('clientIP', { 1: present(number('timeoutSeconds')) }) }),
    17: present(text('ipFamilyPolicy')),
    18: texts('clusterIPs'),
    19: texts('ipFamilies'),
    20: present(flag('allocateLoadBalancerNodePorts')),
    21: present(text('loadBalancerClass')),
    22: present(text('internalTrafficPolicy')),
  }),
  3: one('status', { 1: one('loadBalancer', {}) }),
};

const container: Message = {
  1: text('name'),
  2: text('image'),
  3: texts('command'),
  4: texts('args'),
  5: text('workingDir'),
  6: many('ports', {
    1: text('name'),
    2: number('hostPort'),
    3: number('containerPort'),
    4: text('protocol'),
    5: text('hostIP'),
  }),
  8: one('resources', {}),
  13: text('terminationMessagePath'),
  14: text('imagePullPolicy'),
  16: flag('stdin'),
  17: flag('stdinOnce'),
  18: flag('tty'),
  20: text('terminationMessagePolicy'),
};

const podSpec: Message = {
  2: many('containers', container),
  3: text('restartPolicy'),
  4: present(number('terminationGracePeriodSeconds')),
  6: text('dnsPolicy'),
  7: textMap('nodeSelector'),
  8: text('serviceAccountName'),
  9: text('serviceAccount'),
  10: text('nodeName'),
  11: flag('hostNetwork'),
  12: flag('hostPID'),
  13: flag('hostIPC'),
  16: text('hostname'),
  17: text('subdomain'),
  19: text('schedulerName'),
  20: many('initContainers', container),
  24: text('priorityClassName'),
};

const podTemplate: Message = { 1: one('metadata', objectMeta), 2: one('spec', podSpec) };

const deployment: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', {
    1: present(number('replicas')),
    2: one('selector', labelSelector),
    3: one('template', podTemplate),
    4: one('strategy', {
      1: text('type'),
      2: one('rollingUpdate', { 1: intOrString('maxUnavailable'), 2: intOrString('maxSurge') }),
    }),
    5: number('minReadySeconds'),
    6: present(number('revisionHistoryLimit')),
    7: flag('paused'),
    9: present(number('progressDeadlineSeconds')),
  }),
  // A new one has none: its counts are all zero.
  3: one('status', {
    1: number('observedGeneration'),
    2: number('replicas'),
    3: number('updatedReplicas'),
    4: number('availableReplicas'),
    5: number('unavailableReplicas'),
    7: number('readyReplicas'),
  }),
};

const deleteOptions: Message = {
  1: present(number('gracePeriodSeconds')),
  2: one('preconditions', { 1: present(text('uid')), 2: present(text('resourceVersion')) }),
  3: present(flag('orphanDependents')),
  4: present(text('propagationPolicy')),
  5: texts('dryRun'),
};

const eviction: Message = { 1: one('metadata', objectMeta), 2: one('deleteOptions', deleteOptions) };

/** By `apiVersion/kind`. */
export const messages: Readonly<Record<string, Message>> = {
  'v1/Namespace': namespace,
  'v1/ConfigMap': configMap,
  'v1/Secret': secret,
  'v1/ServiceAccount': serviceAccount,
  'v1/Service': service,
  'v1/DeleteOptions': deleteOptions,
  'apps/v1/Deployment': deployment,
  'policy/v1/Eviction': eviction,
  ...workMessages(podTemplate),
  ...identityMessages,
};
