import type { KubeObject } from '../kube/mod.ts';

/** What Events are about, as kube-proxy refers to it: by name, also where the uid belongs. */
export const nodeReference = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: name, resourceVersion: '', creationTimestamp: '' },
});

/** @param key `namespace/name` */
export function serviceReference(key: string): KubeObject {
  const [namespace = '', name = ''] = key.split('/');
  const metadata = { namespace, name, uid: key, resourceVersion: '', creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'Service', metadata };
}
