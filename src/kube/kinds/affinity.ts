import { labelSelector } from '../meta.ts';
import { atomic, integer, list, object, required, string } from '../schema.ts';

const nodeSelectorRequirement = object({
  key: required(string()),
  operator: required(string()),
  values: list(string()),
});
const nodeSelectorTerm = atomic(
  object({
    matchExpressions: list(nodeSelectorRequirement),
    matchFields: list(nodeSelectorRequirement),
  }),
);

/** corev1.NodeSelector. */
export const nodeSelector = atomic(object({ nodeSelectorTerms: required(list(nodeSelectorTerm)) }));

const podAffinityTerm = object({
  labelSelector,
  namespaces: list(string()),
  topologyKey: required(string()),
  namespaceSelector: labelSelector,
  matchLabelKeys: list(string()),
  mismatchLabelKeys: list(string()),
});

const podTerms = object({
  requiredDuringSchedulingIgnoredDuringExecution: list(podAffinityTerm),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    object({ weight: required(integer()), podAffinityTerm: required(podAffinityTerm) }),
  ),
});

/** corev1.Affinity. */
export const affinity = object({
  nodeAffinity: object({
    requiredDuringSchedulingIgnoredDuringExecution: nodeSelector,
    preferredDuringSchedulingIgnoredDuringExecution: list(
      object({ weight: required(integer()), preference: required(nodeSelectorTerm) }),
    ),
  }),
  podAffinity: podTerms,
  podAntiAffinity: podTerms,
});
