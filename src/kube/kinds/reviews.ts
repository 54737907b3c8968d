import { typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { any, boolean, integer64, list, map, object, required, string, time } from '../schema.ts';

/** Kinds that are asked and never kept: a POST is answered with the same object and its status filled in. */

const authorization = { group: 'authorization.k8s.io' };
const authentication = { group: 'authentication.k8s.io' };

const requirement = object({ key: string(), operator: string(), values: list(string()) });
const selector = object({ rawSelector: string(), requirements: list(requirement) });

export const resourceAttributes = object({
  namespace: string(),
  verb: string(),
  group: string(),
  version: string(),
  resource: string(),
  subresource: string(),
  name: string(),
  fieldSelector: selector,
  labelSelector: selector,
});
export const nonResourceAttributes = object({ path: string(), verb: string() });

const asked = { resourceAttributes, nonResourceAttributes };
const accessStatus = object({
  allowed: boolean(),
  denied: boolean(),
  reason: string(),
  evaluationError: string(),
});
const subjectFields = { user: string(), groups: list(string()), uid: string(), extra: map(list(string())) };

export const SelfSubjectAccessReview = defineResource(
  { ...authorization, kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews', namespaced: false },
  object({ ...typeAndMeta, spec: required(object(asked)), status: accessStatus }),
);
export type SelfSubjectAccessReview = NonNullable<(typeof SelfSubjectAccessReview)['_stored']>;

export const SubjectAccessReview = defineResource(
  { ...authorization, kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', namespaced: false },
  object({ ...typeAndMeta, spec: required(object({ ...asked, ...subjectFields })), status: accessStatus }),
);
export type SubjectAccessReview = NonNullable<(typeof SubjectAccessReview)['_stored']>;

export const LocalSubjectAccessReview = defineResource(
  { ...authorization, kind: 'LocalSubjectAccessReview', plural: 'localsubjectaccessreviews' },
  object({ ...typeAndMeta, spec: required(object({ ...asked, ...subjectFields })), status: accessStatus }),
);

export const SelfSubjectRulesReview = defineResource(
  { ...authorization, kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews', namespaced: false },
  object({ ...typeAndMeta, spec: required(object({ namespace: string() })), status: any() }),
);
export type SelfSubjectRulesReview = NonNullable<(typeof SelfSubjectRulesReview)['_stored']>;

const userInfo = object({ username: string(), uid: string(), groups: list(string()), extra: map(list(string())) });

export const SelfSubjectReview = defineResource(
  { ...authentication, kind: 'SelfSubjectReview', plural: 'selfsubjectreviews', namespaced: false },
  object({ ...typeAndMeta, status: object({ userInfo }) }),
);

export const TokenReview = defineResource(
  { ...authentication, kind: 'TokenReview', plural: 'tokenreviews', namespaced: false },
  object({
    ...typeAndMeta,
    spec: required(object({ token: string(), audiences: list(string()) })),
    status: object({ authenticated: boolean(), user: userInfo, audiences: list(string()), error: string() }),
  }),
);
export type TokenReview = NonNullable<(typeof TokenReview)['_stored']>;

/** What `serviceaccounts/NAME/token` takes and gives; no collection of its own. */
export const TokenRequest = defineResource(
  { ...authentication, kind: 'TokenRequest', plural: 'tokenrequests' },
  object({
    ...typeAndMeta,
    spec: required(
      object({
        audiences: list(string()),
        expirationSeconds: integer64(),
        boundObjectRef: object({ kind: string(), apiVersion: string(), name: string(), uid: string() }),
      }),
    ),
    status: object({ token: string(), expirationTimestamp: time() }),
  }),
);
export type TokenRequest = NonNullable<(typeof TokenRequest)['_stored']>;
