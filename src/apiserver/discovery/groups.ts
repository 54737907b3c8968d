import { apiVersionOf, type Resource } from '../../kube/mod.ts';
import { subresourcesOf, verbsOf } from './verbs.ts';

/** One group and version with its kinds; no group here has two versions. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Resource[];
}

export function groupVersionsOf(resources: readonly Resource[]): GroupVersion[] {
  const found = Map.groupBy(resources, apiVersionOf);
  return [...found.values()].map((members) => ({
    group: members[0]!.group,
    version: members[0]!.version,
    resources: members,
  }));
}

const nameOf = ({ group, version }: GroupVersion) => (group === '' ? version : `${group}/${version}`);

/** metav1.APIResourceList: `/api/v1`, `/apis/apps/v1`. */
export const apiResourceList = (groupVersion: GroupVersion) => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: nameOf(groupVersion),
  resources: groupVersion.resources.flatMap((resource) => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: verbsOf(resource),
      ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
      ...(resource.categories.length > 0 && { categories: resource.categories }),
    },
    ...subresourcesOf(resource).map(({ name, kind, verbs }) => ({
      name: `${resource.plural}/${name}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...(kind.group !== resource.group && { group: kind.group, version: kind.version }),
      kind: kind.kind,
      verbs,
    })),
  ]),
});

/** metav1.APIGroup: `/apis/apps`. */
export const apiGroup = (groupVersion: GroupVersion) => ({
  kind: 'APIGroup',
  apiVersion: 'v1',
  ...groupEntry(groupVersion),
});

function groupEntry(groupVersion: GroupVersion) {
  const version = { groupVersion: nameOf(groupVersion), version: groupVersion.version };
  return { name: groupVersion.group, versions: [version], preferredVersion: version };
}

/** metav1.APIGroupList: `/apis`. */
export const apiGroupList = (groupVersions: readonly GroupVersion[]) => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupVersions.map(groupEntry),
});

/** metav1.APIVersions: `/api`. */
export const apiVersions = (serverAddress: string) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
});

/** apidiscovery.k8s.io/v2 (KEP-3352): everything that the pages above say, in one document. */
export const apiGroupDiscoveryList = (groupVersions: readonly GroupVersion[]) => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: groupVersions.map(({ group, version, resources }) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: [{ version, resources: resources.map(resourceDiscovery), freshness: 'Current' }],
  })),
});

const resourceDiscovery = (resource: Resource) => ({
  resource: resource.plural,
  responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
  scope: resource.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: resource.singular,
  verbs: verbsOf(resource),
  ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
  ...(resource.categories.length > 0 && { categories: resource.categories }),
  subresources: subresourcesOf(resource).map(({ name, kind, verbs }) => ({
    subresource: name,
    responseKind: kind,
    verbs,
  })),
});
