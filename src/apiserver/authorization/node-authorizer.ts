import type { Attributes, ResourceAttributes } from './attributes.ts';
import type { Decision, Opinion } from './authorizer.ts';
import type { NodeGraph } from './node-graph.ts';
import { nodeRole } from './policy/cluster-roles.ts';
import { ruleAllows } from './rule.ts';
import { nodeOf } from './users.ts';

const yes: Decision = { allowed: true, reason: '' };
const no = (reason: string): Decision => ({ allowed: false, reason });

const leaseNamespace = 'kube-node-lease';

/**
 * What a node's agent may do: read what its Pods refer to, and for the rest what the role `system:node` says, of which
 * the NodeRestriction admission then takes what is another node's (plugin/pkg/auth/authorizer/node).
 *
 * Nodes may be read by all agents, as upstream had it before AuthorizeNodeWithSelectors: ours route to each other's Pods.
 */
export function nodeAuthorizer(graph: NodeGraph): Opinion {
  return (attributes) => {
    const node = nodeOf(attributes.user);
    if (node === undefined) return no('');
    if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    const closer = attributes.type === 'resource' ? closerLook(graph, node, attributes) : undefined;
    return closer ?? (allowedToAll(attributes) ? yes : no(''));
  };
}

const allowedToAll = (attributes: Attributes): boolean =>
  (nodeRole.rules ?? []).some((rule) => ruleAllows(rule, attributes));

function closerLook(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision | undefined {
  switch (`${attributes.group}/${attributes.resource}`) {
    case '/secrets':
    case '/configmaps':
      return readsOne(graph, node, attributes);
    case '/serviceaccounts':
      return createsToken(graph, node, attributes);
    case '/pods':
      return attributes.subresource === '' ? readsPods(graph, node, attributes) : undefined;
    case 'coordination.k8s.io/leases':
      return usesLease(node, attributes);
    default:
      return undefined;
  }
}

function readsOne(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision {
  const { verb, subresource, namespace } = attributes;
  if (!['get', 'list', 'watch'].includes(verb)) return no('can only read resources of this type');
  if (subresource !== '') return no('cannot read subresource');
  if (namespace === '') return no('can only read namespaced object of this type');
  return related(graph, node, attributes);
}

function related(graph: NodeGraph, node: string, { resource, namespace, name }: ResourceAttributes): Decision {
  if (name === '') return no('No Object name found');
  if (graph.refersTo(node, resource, namespace, name)) return yes;
  return no(`no relationship found between node '${node}' and this object`);
}

function createsToken(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision {
  const { verb, name, subresource } = attributes;
  if (verb !== 'create' || name === '') return no('can only create tokens for individual service accounts');
  if (subresource !== 'token') return no('can only create token subresource of serviceaccount');
  return related(graph, node, attributes);
}

function readsPods(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision | undefined {
  const { verb, name, fields } = attributes;
  if (verb === 'get') return related(graph, node, attributes);
  if (verb !== 'list' && verb !== 'watch') return undefined;
  const isOwn = fields.some(({ field, operator, value }) => {
    return field === 'spec.nodeName' && operator === '=' && value === node;
  });
  if (isOwn) return yes;
  return name === ''
    ? no('can only list/watch pods with spec.nodeName field selector')
    : related(graph, node, attributes);
}

function usesLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb))
    return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== leaseNamespace) return no(`can only access leases in the "${leaseNamespace}" system namespace`);
  // The name of a new one is known to the admission.
  if (verb !== 'create' && name !== node)
    return no('can only access node lease with the same name as the requesting node');
  return yes;
}
