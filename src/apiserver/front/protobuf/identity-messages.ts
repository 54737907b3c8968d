import {
  bytes,
  flag,
  labelSelector,
  type Message,
  many,
  number,
  objectMeta,
  one,
  present,
  text,
  texts,
  textsMap,
  time,
} from './fields.ts';

/** RBAC, reviews, tokens: what `kubectl create role`, `auth can-i`, `create token` and their like send. */

const rule: Message = {
  1: texts('verbs'),
  2: texts('apiGroups'),
  3: texts('resources'),
  4: texts('resourceNames'),
  5: texts('nonResourceURLs'),
};
const subject: Message = { 1: text('kind'), 2: text('apiGroup'), 3: text('name'), 4: text('namespace') };
const roleRef: Message = { 1: text('apiGroup'), 2: text('kind'), 3: text('name') };

const role: Message = {
  1: one('metadata', objectMeta),
  2: many('rules', rule),
  3: one('aggregationRule', { 1: many('clusterRoleSelectors', labelSelector) }),
};
const binding: Message = { 1: one('metadata', objectMeta), 2: many('subjects', subject), 3: one('roleRef', roleRef) };

const selector: Message = {
  1: text('rawSelector'),
  2: many('requirements', { 1: text('key'), 2: text('operator'), 3: texts('values') }),
};
const resourceAttributes: Message = {
  1: text('namespace'),
  2: text('verb'),
  3: text('group'),
  4: text('version'),
  5: text('resource'),
  6: text('subresource'),
  7: text('name'),
  8: one('fieldSelector', selector),
  9: one('labelSelector', selector),
};
const asked: Message = {
  1: one('resourceAttributes', resourceAttributes),
  2: one('nonResourceAttributes', { 1: text('path'), 2: text('verb') }),
};
/** Nobody sends one; the empty one that Go always writes is skipped. */
const noStatus = one('status', { 1: flag('flag'), 2: text('text'), 3: text('text'), 4: flag('flag') });

const accessReview: Message = { 1: one('metadata', objectMeta), 2: one('spec', asked), 3: noStatus };
const subjectAccessReview: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', { ...asked, 3: text('user'), 4: texts('groups'), 6: text('uid') }),
  3: noStatus,
};
const rulesReview: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', { 1: text('namespace') }),
  3: one('status', { 3: flag('incomplete'), 4: text('evaluationError') }),
};
const selfReview: Message = {
  1: one('metadata', objectMeta),
  2: one('status', { 1: one('userInfo', { 1: text('username'), 2: text('uid') }) }),
};
const tokenReview: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', { 1: text('token'), 2: texts('audiences') }),
  3: one('status', {
    1: flag('authenticated'),
    2: one('user', { 1: text('username'), 2: text('uid') }),
    3: text('error'),
  }),
};
const tokenRequest: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', {
    1: texts('audiences'),
    3: one('boundObjectRef', { 1: text('kind'), 2: text('apiVersion'), 3: text('name'), 4: text('uid') }),
    4: present(number('expirationSeconds')),
  }),
  3: one('status', { 1: text('token'), 2: time('expirationTimestamp') }),
};

const condition: Message = {
  1: text('type'),
  2: text('reason'),
  3: text('message'),
  4: time('lastUpdateTime'),
  5: time('lastTransitionTime'),
  6: text('status'),
};
const signingRequest: Message = {
  1: one('metadata', objectMeta),
  2: one('spec', {
    1: bytes('request'),
    2: text('username'),
    3: text('uid'),
    4: texts('groups'),
    5: texts('usages'),
    6: textsMap('extra'),
    7: text('signerName'),
    8: present(number('expirationSeconds')),
  }),
  3: one('status', { 1: many('conditions', condition), 2: bytes('certificate') }),
};

const rbac = 'rbac.authorization.k8s.io/v1';
const authorization = 'authorization.k8s.io/v1';
const authentication = 'authentication.k8s.io/v1';

export const identityMessages: Readonly<Record<string, Message>> = {
  [`${rbac}/Role`]: role,
  [`${rbac}/ClusterRole`]: role,
  [`${rbac}/RoleBinding`]: binding,
  [`${rbac}/ClusterRoleBinding`]: binding,
  [`${authorization}/SelfSubjectAccessReview`]: accessReview,
  [`${authorization}/SubjectAccessReview`]: subjectAccessReview,
  [`${authorization}/LocalSubjectAccessReview`]: subjectAccessReview,
  [`${authorization}/SelfSubjectRulesReview`]: rulesReview,
  [`${authentication}/SelfSubjectReview`]: selfReview,
  [`${authentication}/TokenReview`]: tokenReview,
  [`${authentication}/TokenRequest`]: tokenRequest,
  'certificates.k8s.io/v1/CertificateSigningRequest': signingRequest,
};
