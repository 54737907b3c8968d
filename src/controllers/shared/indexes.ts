import type { Indexes } from '../../client/mod.ts';
import { controllerOf, type EndpointSlice, type KubeObject, type Pod, type Service } from '../../kube/mod.ts';

/**
 * The indexes of the shared informers, by plural, besides `namespace` and `owner`:
 * - pods `node`; `label` (`namespace/key=value`, each label); `orphan` (namespace, when no controller owns it)
 * - services `selector`: one label of the selector, as `label` has it, so that a Pod finds its Services without
 *   looking at all of them
 * - endpointslices `service` (`namespace/name`)
 * - replicasets and controllerrevisions `orphan`
 */
export const controllerIndexes: Readonly<Record<string, Indexes<never>>> = {
  pods: {
    node: ({ spec }: Pod) => (spec.nodeName ? [spec.nodeName] : []),
    label: ({ metadata }: Pod) => labelKeysOf(metadata.namespace, metadata.labels),
    orphan: orphanNamespace,
  },
  services: {
    selector: ({ metadata, spec }: Service) => labelKeysOf(metadata.namespace, spec.selector).slice(0, 1),
  },
  endpointslices: {
    service: ({ metadata }: EndpointSlice) => {
      const name = metadata.labels?.[serviceNameLabel];
      return name === undefined ? [] : [`${metadata.namespace}/${name}`];
    },
  },
  replicasets: { orphan: orphanNamespace },
  controllerrevisions: { orphan: orphanNamespace },
};

export const serviceNameLabel = 'kubernetes.io/service-name';

/** `namespace/key=value` for each label. */
export const labelKeysOf = (namespace: string | undefined, labels: Readonly<Record<string, string>> = {}): string[] =>
  Object.entries(labels).map(([key, value]) => `${namespace}/${key}=${value}`);

function orphanNamespace(object: KubeObject): string[] {
  return controllerOf(object) || object.metadata.namespace === undefined ? [] : [object.metadata.namespace];
}
