import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { type Client, createRecorder, type Recorder } from '../../client/mod.ts';
import type { Kernel } from '../../kernel/port.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { type ProxyMode, proxySettings } from '../config/mod.ts';
import { createConntrackCleaner } from '../conntrack/mod.ts';
import type { Relaying } from '../dataplane/port.ts';
import { canonicalAddress, type Family, type PortPlan } from '../plan/mod.ts';
import { createProxyInformers, type ServiceProxy, startProxy } from '../proxy.ts';
import { type Bookkeeper, type ProxyHealth, ServiceHealth } from '../serve/mod.ts';
import { type ProxySettings, readSettings } from '../settings.ts';
import { nodeView } from '../track/mod.ts';
import type { Dataplanes } from './dataplanes.ts';
import { healthCheckHosts } from './health-check-hosts.ts';

export interface SessionOptions {
  readonly config: KubeProxyConfiguration;
  readonly mode: ProxyMode;
  /** What the configuration has no field for. */
  readonly own: Pick<ProxySettings, 'serviceCidr'>;
  readonly nodeName: string;
  readonly client: Client;
  readonly dataplanes: Dataplanes;
  readonly kernel: Kernel;
  readonly netns?: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: ProxyHealth;
  readonly books: Bookkeeper;
}

/** The proxy under one configuration. What it has written outlives it. */
export interface Session {
  readonly mode: ProxyMode;
  readonly synced: Promise<void>;
  readonly recorder: Recorder;
  ports(): Iterable<PortPlan>;
  stop(): Promise<void>;
  /** As `ServiceProxy.handOver`. */
  handOver(): Promise<Relaying[]>;
}

/** As `startProxy`, with all that goes with it: Events, health checks of Services, clean-up of stale flows, metrics. */
export function startSession(options: SessionOptions): Session {
  const { books, clock, client, config, dataplanes, health, kernel, log, mode, netns, nodeName, own } = options;
  const place = netns === undefined ? {} : { netns };
  const recorder = createRecorder({ client, component: 'kube-proxy', host: nodeName, clock, log });
  const informers = createProxyInformers(client, { clock, log, nodeName });
  const settings = { ...proxySettings(config, mode), ...own };
  const settingsOf = readSettings(settings);
  const healthChecks = new ServiceHealth({
    health,
    nodeName,
    hosts: () => healthCheckHosts(settingsOf, nodeView(nodeName, informers.nodes.get(nodeName))),
    clock,
    log,
    recorder,
  });
  const flows = createConntrackCleaner(kernel, { clock, log, ...place, onDeleted: books.flowsDeleted });
  const open = () =>
    startProxy({
      ...settings,
      source: { informers },
      nodeName,
      ...nodeAddressOf(config),
      kernel,
      clock,
      log,
      ...place,
      createDataplane: (family: Family) => dataplanes[mode](family),
      flows: books.timed(flows),
      healthChecks,
      recorder,
      observer: books,
    });
  let proxy: ServiceProxy;
  try {
    proxy = open();
  } catch (error) {
    flows.close();
    void client.close();
    throw error;
  }
  books.watch(informers.services, informers.slices);
  health.watchNode(informers.nodes, nodeName);
  const all = Object.values(informers);
  for (const informer of all) informer.start();
  const endAfter = async <Result>(stopped: Promise<Result>): Promise<Result> => {
    const [result] = await Promise.all([stopped, healthChecks.close(), ...all.map((informer) => informer.stop())]);
    flows.close();
    await client.close();
    return result;
  };
  return {
    mode,
    synced: proxy.synced,
    recorder,
    ports: () => proxy.ports(),
    stop: () => endAfter(proxy.stop()),
    handOver: () => endAfter(proxy.handOver()),
  };
}

/** As upstream: the unspecified addresses name none. */
const nodeAddressOf = ({ bindAddress }: KubeProxyConfiguration): { nodeAddress?: string } => {
  const address = canonicalAddress(bindAddress, bindAddress.includes(':') ? 'IPv6' : 'IPv4');
  return address === undefined || address === '0.0.0.0' || address === '::' ? {} : { nodeAddress: address };
};
