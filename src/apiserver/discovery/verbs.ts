import { Namespace, type Resource, reviewResources } from '../../kube/mod.ts';

/** A subresource as discovery lists it; `kind` is what is answered, where it is not the resource's own. */
export interface SubresourceEntry {
  readonly name: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

export function verbsOf(resource: Resource): readonly string[] {
  if (reviewResources.includes(resource)) return ['create'];
  return resource === Namespace ? allVerbs.filter((verb) => verb !== 'deletecollection') : allVerbs;
}

export function subresourcesOf(resource: Resource): SubresourceEntry[] {
  const own = { group: resource.group, version: resource.version, kind: resource.kind };
  const entries: SubresourceEntry[] = [];
  if (resource.kind === 'Pod') {
    entries.push({ name: 'binding', kind: { ...own, kind: 'Binding' }, verbs: ['create'] });
    entries.push({ name: 'eviction', kind: { group: 'policy', version: 'v1', kind: 'Eviction' }, verbs: ['create'] });
  }
  if (resource.kind === 'ServiceAccount') {
    const kind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
    entries.push({ name: 'token', kind, verbs: ['create'] });
  }
  if (resource.kind === 'CertificateSigningRequest')
    entries.push({ name: 'approval', kind: own, verbs: ['get', 'patch', 'update'] });
  if (resource === Namespace) entries.push({ name: 'finalize', kind: own, verbs: ['update'] });
  if (resource.subresources.includes('scale')) {
    const kind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    entries.push({ name: 'scale', kind, verbs: ['get', 'patch', 'update'] });
  }
  if (resource.subresources.includes('status'))
    entries.push({ name: 'status', kind: own, verbs: ['get', 'patch', 'update'] });
  return entries;
}
