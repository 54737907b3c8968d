import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type Client, createInformer, type Informer } from '../client/mod.ts';
import type { Kernel } from '../kernel/port.ts';
import { EndpointSlice, Service } from '../kube/mod.ts';
import { createNftablesDataplane } from './dataplane/nftables/mod.ts';
import type { Dataplane } from './dataplane/port.ts';
import type { PortPlan } from './plan/mod.ts';
import { type ProxySettings, parseIpv4Range, parseMasqueradeBit } from './settings.ts';
import { type ProxyCounters, Synchronizer } from './synchronizer.ts';
import { Tracker } from './track/mod.ts';

export interface ProxyInformers {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
}

export interface ProxyOptions extends ProxySettings {
  /** A client makes informers of its own, which stop with the proxy; informers that are given are the giver's to start and stop. */
  readonly source: { readonly client: Client } | { readonly informers: ProxyInformers };
  /** As in the endpoints' nodeName. */
  readonly nodeName: string;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
}

export interface ServiceProxy {
  /** The kernel holds what the API server had when it was first asked. Stays open while either cannot be reached. */
  readonly synced: Promise<void>;
  readonly counters: Readonly<ProxyCounters>;
  /** What is planned at the moment, with the reason for every endpoint that is left out. */
  ports(): Iterable<PortPlan>;
  /** Ends the work and leaves the kernel as it is: traffic goes on. */
  stop(): Promise<void>;
}

/**
 * Programs the kernel so that Services work on this node, until it is stopped. Throws UsageError for a bad setting and
 * OperatingError when the kernel has no nf_tables (`unsupported`) or does not let us use it (`EPERM`); what fails later
 * is logged and tried again.
 */
export function startProxy(options: ProxyOptions): ServiceProxy {
  const { clock, kernel, log, nodeName, source, syncPeriodMs = 30_000 } = options;
  const dataplane = createDataplane(kernel, options);
  const informers = 'informers' in source ? source.informers : createProxyInformers(source.client, clock, log);
  const { promise: synced, resolve: onSynced } = Promise.withResolvers<void>();

  let ready = false;
  let flush: NodeJS.Immediate | undefined;
  // Everything that one turn of the event loop brings goes into one transaction, and nothing waits for a timer.
  const scheduleFlush = () => {
    if (!ready) return;
    flush ??= setImmediate(() => {
      flush = undefined;
      synchronizer.sync();
    });
  };
  const tracker = new Tracker(informers.services, informers.slices, scheduleFlush);
  const node = { name: nodeName, family: 'IPv4' } as const;
  const synchronizer = new Synchronizer({ tracker, dataplane, node, clock, log, syncPeriodMs, onSynced });

  // Half a picture would cut off Services whose slices have not arrived yet.
  void Promise.all([informers.services.synced, informers.slices.synced]).then(() => {
    ready = true;
    synchronizer.sync();
  });
  if ('client' in source) for (const informer of Object.values(informers)) informer.start();

  return {
    synced,
    counters: synchronizer.counters,
    ports: () => synchronizer.ports(),
    async stop() {
      synchronizer.stop();
      clearImmediate(flush);
      if ('client' in source) await Promise.all([informers.services.stop(), informers.slices.stop()]);
      dataplane.close();
    },
  };
}

/** Removes everything of ours from the kernel (`--cleanup`): Services stop working on this node. Throws OperatingError. */
export function cleanUpProxy(kernel: Kernel, netns?: string): void {
  const dataplane = createDataplane(kernel, netns === undefined ? {} : { netns });
  try {
    dataplane.cleanup();
  } finally {
    dataplane.close();
  }
}

type DataplaneOptions = Pick<ProxyOptions, 'clusterCidr' | 'serviceCidr' | 'masqueradeBit' | 'netns'>;

function createDataplane(kernel: Kernel, options: DataplaneOptions): Dataplane {
  const { clusterCidr, serviceCidr, masqueradeBit = 14, netns } = options;
  return createNftablesDataplane(kernel, {
    masqueradeMark: parseMasqueradeBit(masqueradeBit),
    ...(clusterCidr && { clusterRange: parseIpv4Range('clusterCidr', clusterCidr) }),
    ...(serviceCidr && { serviceRange: parseIpv4Range('serviceCidr', serviceCidr) }),
    ...(netns !== undefined && { netns }),
  });
}

/** As kube-proxy does, we do not even ask for what other proxies serve. */
const labelSelector = '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless';

function createProxyInformers(client: Client, clock: Clock, log: Logger): ProxyInformers {
  const common = { client, clock, log, labelSelector };
  return {
    services: createInformer({ ...common, resource: Service }),
    slices: createInformer({ ...common, resource: EndpointSlice }),
  };
}
