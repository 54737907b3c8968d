import type { KubeObject } from '../../kube/mod.ts';
import type { Admit } from '../registry/registry.ts';
import type { Call } from './context.ts';

/** What has to be asked about a write when it is known what the object would become. */
export function admitOf(call: Call): Admit {
  const { user, authorizer, admissions, registry, route } = call;
  const { subresource } = route;
  return (after, before) => {
    if (after && !before && call.request.method !== 'POST') demandCreate(call, after);
    for (const admission of admissions)
      admission({ user, authorizer, resource: registry.resource, subresource, after, before });
  };
}

/** A write that finds nothing and creates it needs that right, too. */
function demandCreate({ user, authorizer, registry: { resource } }: Call, { metadata }: KubeObject): void {
  const { group, plural } = resource;
  const { namespace = '', name } = metadata;
  const what = { group, resource: plural, subresource: '', namespace, name, fields: [] };
  authorizer.demand({ type: 'resource', user, verb: 'create', ...what });
}
