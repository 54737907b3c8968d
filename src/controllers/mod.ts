import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type Client, createRecorder, SharedInformers } from '../client/mod.ts';
import { allResources, Event, type Resource } from '../kube/mod.ts';
import { startBootstrapSigner, startTokenCleaner } from './bootstraptokens/controller.ts';
import { startCertificateController } from './certificates/controller.ts';
import type { RequestSigner } from './certificates/port.ts';
import { startClusterRoleAggregation } from './clusterroleaggregation/controller.ts';
import { startDaemonSetController } from './daemonset/controller.ts';
import { startDeploymentController } from './deployment/controller.ts';
import { startDisruptionController } from './disruption/controller.ts';
import { startEndpointsController } from './endpoints/controller.ts';
import { startEndpointSliceController } from './endpointslice/controller.ts';
import { startEndpointSliceMirroringController } from './endpointslicemirroring/controller.ts';
import { startGarbageCollector } from './garbagecollector/controller.ts';
import { startJobController } from './job/controller.ts';
import { startJobExpiry } from './job/expiry.ts';
import { startNamespaceController } from './namespace/controller.ts';
import { type NodeLifecycleOptions, startNodeLifecycleController } from './nodelifecycle/controller.ts';
import { type PodGcOptions, startPodGcController } from './podgc/controller.ts';
import { startReplicaSetController } from './replicaset/controller.ts';
import { startRootCaPublisher } from './rootca/controller.ts';
import { startServiceAccountController } from './serviceaccount/controller.ts';
import { startServiceCidrController } from './servicecidrs/controller.ts';
import type { StopController } from './shared/context.ts';
import { controllerIndexes } from './shared/indexes.ts';
import { startStatefulSetController } from './statefulset/controller.ts';

export interface ControllersOptions {
  /** Sees everything, and writes Events. */
  readonly client: Client;
  /** For what one controller does, by its name; default: `client`. */
  readonly clientAs?: (controller: string) => Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  readonly nodeLifecycle?: NodeLifecycleOptions;
  readonly podGc?: PodGcOptions;
  /** The authority's certificate, for Pods; without it they get none. */
  readonly rootCaPem?: string;
  /** Without it nobody approves or signs certificate requests. */
  readonly requestSigner?: RequestSigner;
}

export interface Controllers {
  /** Resolves when every controller has seen the whole cluster and works. */
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

/** Starts all controllers over one set of informers. */
export function startControllers(options: ControllersOptions): Controllers {
  const { client, clock, log } = options;
  const informers = new SharedInformers({ ...options, indexes: controllerIndexes });
  const recorder = createRecorder({ client, component: 'signalbox-controllers', clock, log });
  const { clientAs = () => client, requestSigner, rootCaPem } = options;
  const as = (controller: string) => ({ client: clientAs(controller), clock, log, informers, recorder });
  // Events are many, and no controller reads them.
  const watched = allResources.filter((resource) => resource !== (Event as Resource));
  for (const resource of watched) informers.of(resource);
  const running: StopController[] = [];
  let isStopped = false;

  const synced = informers.start().then(() => {
    if (isStopped) return;
    running.push(
      startDeploymentController(as('deployment-controller')),
      startReplicaSetController(as('replicaset-controller')),
      startEndpointSliceController(as('endpointslice-controller')),
      startEndpointsController(as('endpoint-controller')),
      startEndpointSliceMirroringController(as('endpointslicemirroring-controller')),
      startNodeLifecycleController(as('node-controller'), options.nodeLifecycle),
      startPodGcController(as('pod-garbage-collector'), options.podGc),
      startGarbageCollector(as('generic-garbage-collector'), watched),
      startNamespaceController(as('namespace-controller'), allResources),
      startDaemonSetController(as('daemon-set-controller')),
      startDisruptionController(as('disruption-controller')),
      startJobController(as('job-controller')),
      startJobExpiry(as('ttl-after-finished-controller')),
      startStatefulSetController(as('statefulset-controller')),
      startServiceAccountController(as('service-account-controller')),
      startServiceCidrController(as('service-cidrs-controller')),
      ...(rootCaPem ? [startRootCaPublisher(as('root-ca-cert-publisher'), rootCaPem)] : []),
      startTokenCleaner(as('token-cleaner')),
      startBootstrapSigner(as('bootstrap-signer')),
      ...(requestSigner ? [startCertificateController(as('certificate-controller'), requestSigner)] : []),
      startClusterRoleAggregation(as('clusterrole-aggregation-controller')),
    );
    log.info('Controllers are running', { controllers: running.length });
  });

  return {
    synced,
    async stop() {
      isStopped = true;
      await Promise.all(running.map((stop) => stop()));
      await informers.stop();
      await recorder.flush();
    },
  };
}
