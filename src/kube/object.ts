import type { KubeObject, ObjectMeta, OwnerReference } from './meta.ts';
import { apiVersionOf, type Resource } from './resource.ts';

interface Named {
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace'>;
}

/** `namespace/name`, or `name` for a cluster-scoped object: how caches, queues and logs call an object. */
export const keyOf = ({ metadata: { namespace, name } }: Named): string => (namespace ? `${namespace}/${name}` : name);

/** The one owner that manages the object (`controller: true`). */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true);

/** Whether `owner` is the object's controller; by uid, since a name may have been given to another since. */
export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid;

/** The reference by which a controller marks what it creates. */
export const controllerReference = (resource: Resource, owner: KubeObject): OwnerReference => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});
