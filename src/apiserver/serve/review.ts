import type { ApiRequest, ApiResponse, User } from '../../base/exchange.ts';
import {
  applyDefaults,
  badRequest,
  type FieldError,
  invalid,
  type KubeObject,
  methodNotSupported,
  noSuchResource,
  type PolicyRule,
  type Resource,
  reviewResources,
} from '../../kube/mod.ts';
import type { Tokens } from '../authentication/tokens.ts';
import type { Attributes, ResourceAttributes } from '../authorization/attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { nodeOf } from '../authorization/users.ts';
import { jsonResponse } from '../encoding/response.ts';
import { decodeObject } from '../request/decode.ts';
import { writeOptions } from '../request/options.ts';
import type { ResourceRoute } from '../request/route.ts';
import { refuse } from '../status-error.ts';

interface ReviewCall {
  readonly request: ApiRequest;
  readonly user: User;
  readonly route: ResourceRoute;
  readonly authorizer: Authorizer;
  readonly tokens: Tokens;
}

/** What a review is answered with, by kind; each reads its own spec. */
// biome-ignore lint/suspicious/noExplicitAny: the route has chosen the kind
type Answer = (call: ReviewCall, review: any) => object | Promise<object>;

export const isReview = (resource: Resource): boolean => reviewResources.includes(resource);

/** Questions about who somebody is and what they may do: asked by a POST, answered with the question's own object. */
export async function serveReview(call: ReviewCall): Promise<ApiResponse> {
  const { request, route } = call;
  const { resource, name, namespace } = route;
  if (name !== undefined) refuse(noSuchResource());
  if (request.method !== 'POST') refuse(methodNotSupported(resource, request.method.toLowerCase()));
  if (resource.namespaced && namespace === undefined)
    refuse(badRequest('an empty namespace may not be set during creation'));
  const { object, warnings } = await decodeObject(request, resource, writeOptions(route.query, 'CreateOptions'));
  const review: KubeObject = applyDefaults(resource, object);
  const status = await answers[resource.kind]!(call, review);
  return jsonResponse(201, JSON.stringify({ ...review, status }), warnings);
}

const answers: Readonly<Record<string, Answer>> = {
  TokenReview({ tokens }, { spec: { token, audiences = [] } }: { spec: { token?: string; audiences?: string[] } }) {
    if (!token) return refuse(badRequest('token is required for TokenReview in authentication'));
    const verified = tokens.review(token, audiences);
    if (!verified) return { authenticated: false, user: {}, error: 'invalid bearer token' };
    return { authenticated: true, user: userInfoOf(verified.user), audiences: verified.audiences };
  },
  SelfSubjectReview: ({ user }) => ({ userInfo: userInfoOf(user) }),
  SelfSubjectAccessReview: (call, { spec }: AccessReview) => accessStatus(call, spec, call.user),
  SubjectAccessReview: (call, { spec }: AccessReview) => accessStatus(call, spec, subjectOf(call, spec)),
  LocalSubjectAccessReview(call, { spec }: AccessReview) {
    const namespace = spec.resourceAttributes?.namespace ?? '';
    if (namespace !== call.route.namespace)
      refuse(badRequest(`spec.resourceAttributes.namespace must match namespace: ${call.route.namespace}`));
    return accessStatus(call, spec, subjectOf(call, spec));
  },
  SelfSubjectRulesReview: (call, { spec }: { spec: { namespace?: string } }) => rulesStatus(call, spec.namespace ?? ''),
};

const userInfoOf = ({ name, uid, groups, extra }: User) => ({
  username: name,
  ...(uid !== undefined && { uid }),
  groups,
  ...(extra && { extra }),
});

interface AccessSpec {
  readonly resourceAttributes?: Partial<
    Record<'namespace' | 'verb' | 'group' | 'resource' | 'subresource' | 'name', string>
  >;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
  readonly extra?: User['extra'];
}
interface AccessReview {
  readonly spec: AccessSpec;
}

function subjectOf({ route }: ReviewCall, { user = '', groups = [], uid, extra }: AccessSpec): User {
  if (user === '' && groups.length === 0) {
    const why = 'at least one of user or group must be specified';
    refuse(invalid(route.resource, '', [wrong('spec.user', user, why)]));
  }
  return { name: user, groups, ...(uid !== undefined && { uid }), ...(extra && { extra }) };
}

function accessStatus({ route, authorizer }: ReviewCall, spec: AccessSpec, user: User): object {
  const errors = specErrors(spec);
  if (errors.length > 0) refuse(invalid(route.resource, '', errors));
  const { allowed, reason } = authorizer.decide(askedFor(spec, user));
  return { allowed, ...(reason !== '' && { reason }) };
}

function specErrors({ resourceAttributes, nonResourceAttributes }: AccessSpec): FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes';
    return [wrong('spec.nonResourceAttributes', nonResourceAttributes, why)];
  }
  if (resourceAttributes || nonResourceAttributes) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [wrong('spec.resourceAttributes', null, why)];
}

const wrong = (path: string, value: unknown, why: string): FieldError => ({
  path,
  type: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

function askedFor({ resourceAttributes, nonResourceAttributes }: AccessSpec, user: User): Attributes {
  if (!resourceAttributes) {
    const { path = '', verb = '' } = nonResourceAttributes ?? {};
    return { type: 'path', user, path, verb };
  }
  const asked: ResourceAttributes = {
    ...{ type: 'resource', user, verb: '', group: '', resource: '', subresource: '', namespace: '', name: '' },
    ...resourceAttributes,
    fields: [],
  } as ResourceAttributes;
  return asked;
}

/** What `kubectl auth can-i --list` shows. */
function rulesStatus({ user, authorizer, route }: ReviewCall, namespace: string): object {
  if (namespace === '') refuse(badRequest(`no namespace on request (${route.resource.kind})`));
  const { rules, errors } = authorizer.rulesOf(user, namespace);
  // An agent has more than its rules say: it depends on its Pods.
  const isNode = nodeOf(user) !== undefined;
  const problems = isNode ? [...errors, 'node authorizer does not support user rule resolution'] : errors;
  return {
    resourceRules: rules.filter(({ resources }) => resources?.length).map(resourceRule),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: problems.length > 0,
    ...(problems.length > 0 && { evaluationError: problems.join(', ') }),
  };
}

const resourceRule = ({ verbs, apiGroups, resources, resourceNames }: PolicyRule) => ({
  verbs,
  apiGroups,
  resources,
  ...(resourceNames && { resourceNames }),
});
