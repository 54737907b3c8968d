import {
  badRequest,
  formatLabelSelector,
  type KubeObject,
  type LabelSelector,
  requirementsOf,
} from '../../kube/mod.ts';
import type { Version } from '../cache/version.ts';
import { isObject } from '../request/decode.ts';
import { refuse } from '../status-error.ts';

/** autoscaling/v1 Scale: the replica count of any workload, in one shape. */
export interface Scale extends KubeObject {
  spec: { replicas?: number };
  status: { replicas: number; selector: string };
}

interface Scalable extends KubeObject {
  spec: { replicas?: number; selector: LabelSelector };
  status?: { replicas?: number };
}

export function scaleOf(version: Version): Scale {
  const { metadata, spec, status } = version.object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: { replicas: spec.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: formatLabelSelector(requirementsOf(spec.selector)) },
  };
}

/** Writes a Scale's count into the workload. A Scale with a resourceVersion speaks of that version only. */
export function withScale(draft: KubeObject, scale: unknown): KubeObject {
  const spec = isObject(scale) && isObject(scale.spec) ? scale.spec : {};
  const replicas = spec.replicas ?? 0;
  if (!Number.isInteger(replicas) || (replicas as number) < 0 || (replicas as number) > 2_147_483_647)
    refuse(badRequest(`spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`));
  const metadata = isObject(scale) && isObject(scale.metadata) ? scale.metadata : {};
  const { resourceVersion, uid } = metadata as { resourceVersion?: string; uid?: string };
  return {
    ...draft,
    metadata: { ...draft.metadata, ...(resourceVersion && { resourceVersion }), ...(uid && { uid }) },
    spec: { ...(draft as Scalable).spec, replicas },
  } as KubeObject;
}
