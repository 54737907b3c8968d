import type { User } from '../../base/exchange.ts';
import {
  type FieldRequirement,
  failure,
  forbidden,
  isInputError,
  Namespace,
  nameIn,
  parseFieldSelector,
  type Status,
} from '../../kube/mod.ts';
import { isWatch } from '../request/options.ts';
import type { ResourceRoute, Route } from '../request/route.ts';

/** What somebody wants to do, as authorizers judge it (authorizer.Attributes). */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly type: 'resource';
  readonly user: User;
  readonly verb: string;
  readonly group: string;
  /** The plural. */
  readonly resource: string;
  /** '' where there is none, as in the three below. */
  readonly subresource: string;
  /** '': the kind is cluster-scoped, or all namespaces are meant. */
  readonly namespace: string;
  /** '': a whole collection is meant, or a new object. */
  readonly name: string;
  readonly fields: readonly FieldRequirement[];
}

export interface PathAttributes {
  readonly type: 'path';
  readonly user: User;
  /** The method in lower case. */
  readonly verb: string;
  readonly path: string;
}

export function attributesOf(user: User, method: string, route: Route): Attributes {
  if (route.type === 'page') return { type: 'path', user, verb: method.toLowerCase(), path: route.path || '/' };
  const { resource, subresource = '' } = route;
  const fields = route.name === undefined ? fieldsOf(route) : [];
  const name = route.name ?? nameIn(fields) ?? '';
  return {
    type: 'resource',
    user,
    verb: verbOf(method, route),
    group: resource.group,
    resource: resource.plural,
    subresource,
    // A Namespace is in itself: whoever may read what is in it may read it, too.
    namespace: resource === Namespace ? (route.name ?? '') : (route.namespace ?? ''),
    name,
    fields,
  };
}

function verbOf(method: string, { name, query }: ResourceRoute): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (isWatch(query)) return 'watch';
      return name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}

/** A selector that does not read selects nothing here; that it is refused is said later. */
function fieldsOf({ resource, query }: ResourceRoute): readonly FieldRequirement[] {
  try {
    return parseFieldSelector(resource, query.get('fieldSelector') ?? '');
  } catch (error) {
    if (isInputError(error)) return [];
    throw error;
  }
}

/** Upstream's words (responsewriters.forbiddenMessage). */
export function forbiddenStatus(attributes: Attributes, reason: string): Status {
  const { user, verb } = attributes;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  const because = reason === '' ? '' : `: ${reason}`;
  if (attributes.type === 'path')
    return failure('Forbidden', `forbidden: ${who} path ${JSON.stringify(attributes.path)}${because}`, {});
  const { group, resource, subresource, namespace, name } = attributes;
  const what = JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`);
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const message = `${who} resource ${what} in API group ${JSON.stringify(group)} ${where}${because}`;
  return forbidden({ group, plural: resource, kind: '' }, name, message);
}
