import { readFileSync } from 'node:fs';
import { type Clock, sleep } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/mod.ts';
import type { ListenAddress } from '../kernel/mod.ts';
import { responseCodes, safeUdpBytes } from '../wire/dns/mod.ts';
import { compose, nobodyAnswers } from './chain/mod.ts';
import { createDnsInformers, type DnsInformers, followCluster } from './cluster-source.ts';
import { Forwarding, type ForwardingOptions, forwardingDefaults, type SocketAddress } from './forward/mod.ts';
import { ForwardBooks } from './metrics/forward-books.ts';
import { createAnyPlugin } from './plugins/any.ts';
import { createKubernetesPlugin } from './plugins/kubernetes/mod.ts';
import { createRelayPlugin } from './plugins/relay.ts';
import { listenOnBoth, ProbeServer, Responder, type TcpLimits, TcpListener, UdpListener } from './server/mod.ts';
import { ClusterZone, type PodRecords } from './zone/mod.ts';

export interface DnsOptions {
  /**
   * Where to listen, UDP and TCP both; port 0 takes a free one. Name each address: an answer to a question that came in
   * on a wildcard socket leaves from whatever address the route prefers, and the client's NAT does not know it.
   */
  readonly listen: readonly SocketAddress[];
  /** Beside a server that listens there already, and is to end: an upgrade without a gap. Default no: that is refused. */
  readonly takeOver?: boolean;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Resolvers for all other names: `192.0.2.1`, `192.0.2.1:5353`. Given: `resolvConf` is not read. */
  readonly upstreams?: readonly string[];
  /** A file to take the resolvers from, followed when it changes. Default `/etc/resolv.conf`. */
  readonly resolvConf?: string;
  /** Default 5, as CoreDNS has it. */
  readonly ttlSeconds?: number;
  /** Default `insecure`, as kubeadm sets it for CoreDNS. */
  readonly podRecords?: PodRecords;
  /** Address ranges of Services and Pods; reverse names in them are never forwarded. */
  readonly reverseCidrs?: readonly string[];
  /** The Service by which clients reach this server, `namespace/name`. Default `kube-system/kube-dns`. */
  readonly nameServerService?: string;
  /** `*.default.svc.cluster.local` stands for every Service of default, as in kube-dns's time. Default no. */
  readonly wildcards?: boolean;
  /** Where `/health` is answered; CoreDNS's port is 8080. */
  readonly health?: SocketAddress;
  /** Where `/ready` is answered; CoreDNS's port is 8181. */
  readonly ready?: SocketAddress;
  /** On stop: for so long no longer ready, but still answering. */
  readonly lameDuckMs?: number;
  /** Questions to other resolvers under way at one time. Default 1000. */
  readonly maxConcurrentForwards?: number;
  readonly tcpLimits?: Partial<TcpLimits>;
}

export interface DnsDependencies {
  /** With neither client nor informers every question is forwarded. */
  readonly client?: Client;
  /** Informers that somebody else starts and stops. */
  readonly informers?: DnsInformers;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when the cluster has been listed and none of its names is answered yet. */
  readonly giveMemoryBack?: () => void;
  readonly options: DnsOptions;
}

export interface DnsServer {
  /** Closes everything; the informers too when they were made here. */
  stop(): Promise<void>;
  /** Resolves when the cluster has been listed. */
  readonly synced: Promise<void>;
  /** Whether clients should be sent here: synced and not about to stop. */
  readonly ready: boolean;
  /** In the order of `listen`. */
  readonly addresses: readonly SocketAddress[];
  readonly probeAddresses: { readonly health?: SocketAddress; readonly ready?: SocketAddress };
}

const transports = {
  udp: { kind: 'udp', maxUdpBytes: safeUdpBytes },
  tcp: { kind: 'tcp', maxUdpBytes: safeUdpBytes },
} as const;

/** Starts to answer. Rejects with UsageError for an unusable option, with OperatingError for an address that is taken. */
export async function startDns(dependencies: DnsDependencies): Promise<DnsServer> {
  const server = new Server(dependencies);
  try {
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class Server implements DnsServer {
  readonly addresses: SocketAddress[] = [];
  readonly probeAddresses: { health?: SocketAddress; ready?: SocketAddress } = {};
  synced: Promise<void> = Promise.resolve();
  readonly #dependencies: DnsDependencies;
  readonly #forwarding: Forwarding;
  readonly #zone: ClusterZone | undefined;
  readonly #own: ReturnType<typeof createDnsInformers> | undefined;
  readonly #responder: Responder;
  readonly #listeners: { close(): Promise<void> }[] = [];
  #isSynced: boolean;
  #isStopping = false;

  constructor(dependencies: DnsDependencies) {
    const { client, informers, clock, log, options } = dependencies;
    const { ttlSeconds = 5, podRecords = 'insecure' } = options;
    this.#dependencies = dependencies;
    this.#forwarding = new Forwarding(forwardingOptions(options), {
      clock,
      log,
      random: Math.random,
      ownAddresses: () => this.addresses,
      books: new ForwardBooks(),
      readFile: (path) => readFileSync(path, 'utf8'),
    });
    this.#isSynced = !client && !informers;
    if (!this.#isSynced) this.#zone = createZone(dependencies, ttlSeconds, podRecords);
    if (client && !informers) {
      this.#own = createDnsInformers({ client, clock, log, withPods: podRecords === 'verified' });
    }
    const plugins = [createAnyPlugin(ttlSeconds), createRelayPlugin(this.#forwarding)];
    if (this.#zone) {
      plugins.unshift(
        createKubernetesPlugin({
          zone: this.#zone,
          isSynced: () => this.#isSynced,
          ttlSeconds,
          awaySince: () => this.#own?.awaySince(),
        }),
      );
    }
    this.#responder = new Responder(compose(plugins, nobodyAnswers));
  }

  get ready(): boolean {
    return this.#complaint() === undefined;
  }

  async start(): Promise<void> {
    const { options } = this.#dependencies;
    await this.#forwarding.start();
    // Who takes over is not asked before it knows as much as the one that it takes over from.
    if (!options.takeOver) await this.#listenOnAll();
    const { health, ready } = options;
    if (health) this.probeAddresses.health = await this.#probe(health, '/health', () => undefined);
    if (ready) this.probeAddresses.ready = await this.#probe(ready, '/ready', () => this.#complaint());
    this.synced = this.#follow();
    if (!options.takeOver) return;
    await this.synced;
    await this.#listenOnAll();
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { clock, options } = this.#dependencies;
    if (options.lameDuckMs) await sleep(clock, options.lameDuckMs);
    await this.close();
  }

  async close(): Promise<void> {
    this.#forwarding.stop();
    await Promise.all([this.#own?.stop(), ...this.#listeners.map((listener) => listener.close())]);
  }

  async #listenOnAll(): Promise<void> {
    const { listen, takeOver } = this.#dependencies.options;
    for (const at of listen) this.addresses.push(await this.#listen({ ...at, takeOver }));
  }

  async #listen(wanted: ListenAddress): Promise<SocketAddress> {
    const { clock, log, options } = this.#dependencies;
    const createTcp = (at: ListenAddress) =>
      new TcpListener({
        at,
        clock,
        respond: (packet, client) => this.#responder.respond(packet, transports.tcp, client),
        ...(options.tcpLimits && { limits: options.tcpLimits }),
      });
    const createUdp = (at: ListenAddress) =>
      new UdpListener({
        at,
        log,
        respond: (packet, client) => this.#responder.respond(packet, transports.udp, client),
      });
    const { tcp, udp, bound } = await listenOnBoth(wanted, createTcp, createUdp);
    this.#listeners.push(tcp, udp);
    return bound;
  }

  async #probe(at: SocketAddress, path: string, complaint: () => string | undefined): Promise<SocketAddress> {
    const server = new ProbeServer({ at, path, complaint });
    const bound = await server.listen();
    this.#listeners.push(server);
    return bound;
  }

  #complaint(): string | undefined {
    if (this.#isStopping) return 'stopping';
    if (!this.#isSynced) return 'kubernetes';
    return this.addresses.length < this.#dependencies.options.listen.length ? 'listeners' : undefined;
  }

  async #follow(): Promise<void> {
    const informers = this.#dependencies.informers ?? this.#own?.informers;
    if (!informers || !this.#zone) return;
    const followed = followCluster(this.#zone, informers);
    this.#own?.start();
    await followed;
    this.#dependencies.giveMemoryBack?.();
    this.#isSynced = true;
    this.#dependencies.log.info('Cluster zone is complete', this.#zone.size);
  }
}

/** As resolver libraries ask the servers of resolv.conf: in their order, on to the next one when one says no. */
const forwardingOptions = ({
  upstreams,
  resolvConf = '/etc/resolv.conf',
  maxConcurrentForwards = 1000,
}: DnsOptions): ForwardingOptions => ({
  ...forwardingDefaults,
  to: upstreams ?? [resolvConf],
  policy: 'sequential',
  maxConcurrent: maxConcurrentForwards,
  failover: [responseCodes.ServFail, responseCodes.NotImp, responseCodes.Refused],
});

function createZone({ clock, options }: DnsDependencies, ttlSeconds: number, podRecords: PodRecords): ClusterZone {
  const { clusterDomain = 'cluster.local', nameServerService = 'kube-system/kube-dns' } = options;
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(clusterDomain)) {
    throw new UsageError(
      'Read clusterDomain',
      `${JSON.stringify(clusterDomain)} is not a domain such as cluster.local`,
    );
  }
  if (!/^[^/]+\/[^/]+$/.test(nameServerService)) {
    throw new UsageError('Read nameServerService', `${JSON.stringify(nameServerService)} is not namespace/name`);
  }
  return new ClusterZone({
    clusterDomain,
    ttlSeconds,
    podRecords,
    reverseCidrs: options.reverseCidrs ?? [],
    nameServerService,
    wildcards: options.wildcards,
    nowSeconds: () => Math.floor(clock.now() / 1000),
  });
}
