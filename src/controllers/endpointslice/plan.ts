import { controllerReference, Service } from '../../kube/mod.ts';
import { serviceNameLabel } from '../shared/indexes.ts';
import { isHeadless } from '../shared/service-pods.ts';
import { managedByLabel, type SliceFrame } from '../shared/slices.ts';

export const managerName = 'endpointslice-controller.k8s.io';
/** A larger slice is cheaper to hold, a smaller one cheaper to change (upstream's --max-endpoints-per-slice). */
export const maxEndpoints = 100;

/** A Service without endpoints keeps one empty slice, as upstream does. */
export function frameOf(service: Service): SliceFrame {
  const { name, namespace } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(service),
      ownerReferences: [controllerReference(Service, service)],
    },
    maxEndpoints,
    keepsOneEmpty: true,
  };
}

const labelsOf = (service: Service): Record<string, string> => ({
  ...service.metadata.labels,
  ...(isHeadless(service) ? { 'service.kubernetes.io/headless': '' } : {}),
  [serviceNameLabel]: service.metadata.name,
  [managedByLabel]: managerName,
});
