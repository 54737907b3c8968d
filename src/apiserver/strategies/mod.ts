import type { Resource } from '../../kube/mod.ts';
import type { ServiceAllocation } from '../allocation/service-allocation.ts';
import type { Strategy } from '../registry/strategy.ts';
import type { FindAccount } from './account-mounts.ts';
import { jobStrategy } from './job.ts';
import { namespaceStrategy } from './namespace.ts';
import { podStrategy } from './pod.ts';
import { serviceStrategy } from './service.ts';

/** What is particular to each kind; most have nothing. */
export function strategyFor(resource: Resource, allocation: ServiceAllocation, findAccount?: FindAccount): Strategy {
  switch (resource.kind) {
    case 'Namespace':
      return namespaceStrategy;
    case 'Pod':
      return podStrategy(findAccount);
    case 'Service':
      return serviceStrategy(allocation);
    case 'Deployment':
    case 'Ingress':
    case 'PodDisruptionBudget':
    case 'ReplicaSet':
    case 'ServiceCIDR':
    case 'StatefulSet':
      return workloadStrategy;
    case 'DaemonSet':
      return daemonSetStrategy;
    case 'Job':
      return jobStrategy;
    case 'CertificateSigningRequest':
      return signingRequestStrategy;
    case 'Lease':
      return { createsOnUpdate: true, needsVersion: true };
    case 'Endpoints':
    case 'EndpointSlice':
    case 'Event':
    case 'Role':
    case 'ClusterRole':
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return { createsOnUpdate: true };
    default:
      return {};
  }
}

/** What was asked for stays as it was asked for. */
const signingRequestStrategy: Strategy = {
  prepareCreate(draft) {
    draft.status = {};
  },
  prepareUpdate(draft, before) {
    draft.spec = before.spec;
  },
};

/** Status is the controllers' to write; the generation tells them whether they have seen the newest spec. */
const workloadStrategy: Strategy = {
  countsGenerations: true,
  prepareCreate(draft) {
    draft.status = {};
  },
};

/** The counts that Go's struct always shows. */
const daemonSetStrategy: Strategy = {
  countsGenerations: true,
  prepareCreate(draft) {
    draft.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
  },
};
