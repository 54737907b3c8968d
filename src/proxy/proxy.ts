import type { Clock } from '../base/clock.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { type Client, createInformer, type Informer } from '../client/mod.ts';
import type { Kernel } from '../kernel/port.ts';
import { EndpointSlice, Node, Service } from '../kube/mod.ts';
import { createNftablesDataplane } from './dataplane/nftables/mod.ts';
import type { Dataplane, Relaying } from './dataplane/port.ts';
import type { Family, PortPlan } from './plan/mod.ts';
import type { EventRecorder, FlowCleaner, HealthCheckResponder, ProxyObserver } from './ports.ts';
import { type ProxySettings, readSettings } from './settings.ts';
import { type ProxyCounters, Synchronizer } from './synchronizer/mod.ts';
import { factsOf, type NodeView, nodeView, Tracker, watchNode } from './track/mod.ts';

export interface ProxyInformers {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  /** At least the proxy's own node. */
  readonly nodes: Informer<Node>;
}

export interface ProxyOptions extends ProxySettings {
  /** A client makes informers of its own, which stop with the proxy; informers that are given are the giver's to start and stop. */
  readonly source: { readonly client: Client } | { readonly informers: ProxyInformers };
  /** As in the endpoints' nodeName. */
  readonly nodeName: string;
  /** Primary address of the node in its family, whatever the Node object says. */
  readonly nodeAddress?: string;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
  /** Default: nftables. Throws OperatingError when the kernel cannot or may not. */
  readonly createDataplane?: (family: Family) => Dataplane;
  readonly flows?: FlowCleaner;
  readonly healthChecks?: HealthCheckResponder;
  readonly recorder?: EventRecorder;
  readonly observer?: ProxyObserver;
}

export interface ServiceProxy {
  /** The kernel holds what the API server had when it was first asked. Stays open while either cannot be reached. */
  readonly synced: Promise<void>;
  readonly counters: Readonly<ProxyCounters>;
  /** What is planned at the moment, with the reason for every endpoint that is left out. */
  ports(): Iterable<PortPlan>;
  /** Ends the work and leaves the kernel as it is: traffic goes on. */
  stop(): Promise<void>;
  /** The same for a successor in this process: what is relayed here goes on until the successor serves. */
  handOver(): Promise<Relaying[]>;
}

/**
 * Programs the kernel so that Services work on this node, until it is stopped. Throws UsageError for a bad setting and
 * OperatingError when the kernel cannot be programmed (`unsupported`) or does not let us (`EPERM`); what fails later is
 * logged and tried again.
 */
export function startProxy(options: ProxyOptions): ServiceProxy {
  const { clock, log, nodeName, source, syncPeriodMs = 30_000 } = options;
  const settingsOf = readSettings(options);
  const openDataplane = dataplaneOpener(options);
  const informers: ProxyInformers =
    'informers' in source ? source.informers : createProxyInformers(source.client, options);
  const { promise: synced, resolve: onSynced } = Promise.withResolvers<void>();

  let ready = false;
  let flush: NodeJS.Immediate | undefined;
  // Everything that one turn of the event loop brings goes into one transaction, and nothing waits for a timer.
  const scheduleFlush = () => {
    options.observer?.queued();
    if (!ready) return;
    flush ??= setImmediate(() => {
      flush = undefined;
      synchronizer.sync();
    });
  };
  const tracker = new Tracker(informers.services, informers.slices, scheduleFlush);
  const synchronizer = new Synchronizer({ ...options, tracker, clock, log, syncPeriodMs, onSynced });

  let view = withAddress(nodeView(nodeName), options.nodeAddress);
  const configure = () => {
    for (const family of familiesOf(view)) {
      const [facts, settings] = [factsOf(view, family), settingsOf(view, family)];
      if (synchronizer.has(family)) synchronizer.configure(facts, settings);
      else {
        const dataplane = openDataplane(family);
        if (dataplane) synchronizer.add(facts, settings, dataplane);
      }
    }
  };
  watchNode(informers.nodes, nodeName, (changed) => {
    view = withAddress(changed, options.nodeAddress);
    if (!ready) return;
    configure();
    scheduleFlush();
  });

  // Half a picture would cut off Services whose slices have not arrived yet.
  const all: Informer<never>[] = Object.values(informers);
  void Promise.all(all.map((informer) => informer.synced)).then(() => {
    ready = true;
    configure();
    synchronizer.sync();
  });
  if ('client' in source) for (const informer of all) informer.start();

  const handOver = async () => {
    const relaying = synchronizer.stop();
    clearImmediate(flush);
    if ('client' in source) await Promise.all(all.map((informer) => informer.stop()));
    return relaying;
  };
  return {
    synced,
    counters: synchronizer.counters,
    ports: () => synchronizer.ports(),
    async stop() {
      const relaying = await handOver();
      await Promise.all(relaying.map((one) => one.end()));
    },
    handOver,
  };
}

function withAddress(view: NodeView, address: string | undefined): NodeView {
  if (address === undefined) return view;
  return { ...view, addresses: { ...view.addresses, [address.includes(':') ? 'IPv6' : 'IPv4']: address } };
}

type OpenerOptions = Pick<ProxyOptions, 'kernel' | 'netns' | 'log' | 'createDataplane'>;

/** Tries at once whether there will be a dataplane at all; what one family of two lacks later is only logged. */
function dataplaneOpener({ kernel, netns, log, createDataplane }: OpenerOptions) {
  const create =
    createDataplane ??
    ((family: Family) => createNftablesDataplane(kernel, { family, ...(netns !== undefined && { netns }) }));
  create('IPv4').close();
  return (family: Family): Dataplane | undefined => {
    try {
      return create(family);
    } catch (error) {
      log.warn('Cannot serve an address family', { family, code: codeOf(error), error: messageOf(error) });
      return undefined;
    }
  };
}

/** Those in which the node has an address; IPv4 as long as nothing is known of the node. */
function familiesOf({ addresses }: NodeView): readonly Family[] {
  const families = (['IPv4', 'IPv6'] as const).filter((family) => addresses[family] !== undefined);
  return families.length > 0 ? families : ['IPv4'];
}

const labelSelector = '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless';

/** Not started yet. As kube-proxy does, we do not even ask for what other proxies serve. */
export function createProxyInformers(
  client: Client,
  { clock, log, nodeName }: Pick<ProxyOptions, 'clock' | 'log' | 'nodeName'>,
): ProxyInformers {
  const common = { client, clock, log };
  return {
    services: createInformer({ ...common, labelSelector, resource: Service }),
    slices: createInformer({ ...common, labelSelector, resource: EndpointSlice }),
    nodes: createInformer({ ...common, fieldSelector: `metadata.name=${nodeName}`, resource: Node }),
  };
}
