import { networkInterfaces } from 'node:os';
import { type Cancel, type Clock, sleep } from '../../base/clock.ts';
import { messageOf, OperatingError, UsageError } from '../../base/errors.ts';
import { type Pages, text } from '../../base/http-listener.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/mod.ts';
import {
  type Corefile,
  type DirectiveName,
  type Directives,
  type FileSource,
  type HostPort,
  type KubernetesDirective,
  readCorefile,
  type ServerBlock,
} from '../corefile/mod.ts';
import type { SocketAddress } from '../forward/mod.ts';
import { Responder, type Service } from '../server/mod.ts';
import { createBlock, type RunningBlock } from './block.ts';
import { Clusters, type FollowedCluster } from './cluster.ts';
import { NotingSource } from './file-source.ts';
import { HealthCheck } from './health-check.ts';
import { type Answering, defaultUdpBytes, type Interfaces, ListenerSet, listenAddresses } from './listeners.ts';
import { PageServers } from './page-servers.ts';
import { routeByZone } from './routes.ts';
import { ServiceMetrics } from './service-metrics.ts';

export interface CorefileServerOptions {
  /** Of the Corefile. */
  readonly path: string;
  /** The port of zones that name none. Default 53. */
  readonly defaultPort?: number;
  /** Beside a server that has the addresses already, and is to end: an upgrade without a gap. */
  readonly takeOver?: boolean;
  readonly files: FileSource;
  /** How a directive says that the API server is reached. Throws UsageError. */
  readonly connect: (directive: KubernetesDirective) => Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** Where the lines of `log` go. */
  readonly writeQueryLog: (line: string) => void;
  readonly interfaces?: () => Interfaces;
  /** Called when the cluster has been listed and nobody is answered yet. */
  readonly giveMemoryBack?: () => void;
}

/** Addresses of a machine come and go; how soon a new one is answered at. */
const addressesMs = 5000;
/** Longer than the longest question: who asked by the former configuration gets its answer. */
const retirementMs = 6000;
/** A cluster that a new configuration names is waited for so long, while the former one answers. */
const reloadPatienceMs = 30_000;

/** One configuration at work. */
interface Generation {
  readonly corefile: Corefile;
  readonly blocks: readonly RunningBlock[];
  readonly signature: string;
}

/** DNS as a Corefile describes it, in CoreDNS's place; follows the file when it says `reload`. */
export class CorefileServer {
  readonly metrics: ServiceMetrics;
  readonly #options: CorefileServerOptions;
  readonly #clusters: Clusters;
  readonly #listeners: ListenerSet;
  readonly #pages: PageServers;
  readonly #health: HealthCheck;
  readonly #stopping = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  readonly #answeredAt = new WeakMap<ServerBlock, SocketAddress[]>();
  #current: Generation | undefined;
  /** What was read last, well or not: the same mistake is told once. */
  #seen = '';
  #hasFailed = false;
  #busy: Promise<void> = Promise.resolve();
  #cancelReload: Cancel = () => {};
  #cancelAddresses: Cancel = () => {};
  readonly #retired = new Set<{ readonly blocks: readonly RunningBlock[]; readonly cancel: Cancel }>();

  constructor(options: CorefileServerOptions) {
    const { clock, log, connect } = options;
    this.#options = options;
    this.#clusters = new Clusters({ connect, clock, log });
    this.#listeners = new ListenerSet({ clock, log, takeOver: options.takeOver });
    this.#pages = new PageServers({ clock, log });
    this.metrics = new ServiceMetrics({
      clusters: () => this.#clusters.all,
      enabledPlugins: () => this.#enabledPlugins(),
      caches: () => this.#caches(),
      names: () =>
        (this.#current?.blocks ?? []).map((running) => ({ server: serverLabel(running), names: running.names })),
      configuration: () => this.#current?.signature ?? '',
    });
    this.#failure.promise.catch(() => {});
    this.#health = new HealthCheck({ clock, metrics: this.metrics, portOf: (at) => this.#pages.portOf(at) });
  }

  get addresses(): readonly SocketAddress[] {
    return this.#listeners.addresses;
  }

  /** The port of the page server at this address. */
  portOf(at: HostPort): Promise<number> | undefined {
    return this.#pages.portOf(at);
  }

  get ready(): boolean {
    return this.#complaint() === undefined;
  }

  /** Rejects with LoopError when `loop` has found one: the server should not go on. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** Resolves when it answers. Rejects with UsageError for a Corefile that cannot be used, else with OperatingError. */
  async start(): Promise<void> {
    try {
      const next = this.#read();
      await this.#pages.configure(this.#pagesOf(next.corefile));
      await Promise.all(next.blocks.map((block) => block.start()));
      this.#current = next;
      // Until then nobody is answered: clients ask another server, and none is told SERVFAIL.
      // Who takes over waits longer: until it knows all, the former server answers better.
      await this.#settle(next, this.#options.takeOver ? Number.POSITIVE_INFINITY : startupTimeoutMs(next.corefile));
      if (this.#stopping.signal.aborted) return;
      if (clustersOf(next.blocks).size > 0) this.#options.giveMemoryBack?.();
      await this.#listeners.configure(this.#answeringOf(next));
      this.#health.follow(next.corefile.blocks.find(({ directives }) => directives.health)?.directives.health?.at);
      this.#watchFiles();
      this.#watchAddresses();
      this.#watchLoops(next);
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  /** Takes over the Corefile as it is now. Never rejects: what is wrong with it is logged and counted. */
  reload(): Promise<void> {
    this.#busy = this.#busy.then(() => this.#reload());
    return this.#busy;
  }

  /** Answers on for the lame-duck time, no longer ready, then closes everything. After `failed` it closes at once. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#cancelReload();
    this.#cancelAddresses();
    const lameDuckMs = Math.max(
      0,
      ...(this.#current?.corefile.blocks ?? []).map(({ directives }) => directives.health?.lameDuckMs ?? 0),
    );
    if (this.addresses.length > 0 && lameDuckMs > 0 && !this.#hasFailed) {
      this.#options.log.info('Answering on until clients have moved', { ms: lameDuckMs });
      await sleep(this.#options.clock, lameDuckMs);
    }
    await this.#busy;
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#health.stop();
    for (const { blocks, cancel } of this.#retired) {
      cancel();
      for (const block of blocks) block.stop();
    }
    await this.#listeners.close();
    for (const block of this.#current?.blocks ?? []) block.stop();
    await Promise.all([this.#pages.close(), this.#clusters.keep(new Set())]);
  }

  #read(): Generation {
    const { path, files, defaultPort, log, clock, random, writeQueryLog } = this.#options;
    const source = new NotingSource(files);
    try {
      const corefile = readCorefile(path, source, defaultPort);
      for (const notice of corefile.notices) log.warn('Corefile', { notice });
      const blocks = corefile.blocks.map((block) =>
        createBlock(block, {
          clusters: this.#clusters,
          clock,
          log,
          random,
          writeQueryLog,
          elapsedMs: () => performance.now(),
          books: this.metrics.books,
          forwards: this.metrics.forwards,
          readFile: (file) => files.read(file),
          cacheTotals: (each) => this.metrics.cacheTotals(serverLabel({ block: each }), cacheLabel(each)),
          onMistake: () => this.metrics.mistakes++,
          // Another block of ours may well be forwarded to.
          ownAddresses: () => (this.#answeredAt.get(block) ?? []).flatMap((at) => this.#listeners.boundAt(at) ?? []),
        }),
      );
      return { corefile, blocks, signature: source.signature };
    } finally {
      this.#seen = source.signature;
    }
  }

  async #reload(): Promise<void> {
    const before = this.#current;
    if (!before || this.#stopping.signal.aborted) return;
    const { log, clock } = this.#options;
    let next: Generation | undefined;
    try {
      next = this.#read();
      await Promise.all(next.blocks.map((block) => block.start()));
      if (!(await this.#settle(next, reloadPatienceMs))) {
        throw new OperatingError('Reload Corefile', 'unlisted', 'the cluster that it names cannot be listed');
      }
      await this.#listeners.configure(this.#answeringOf(next));
    } catch (error) {
      this.metrics.failedReloads++;
      log.error('The Corefile cannot be taken over, going on with the one before', { error: messageOf(error) });
      for (const block of next?.blocks ?? []) block.stop();
      await this.#clusters.keep(clustersOf(before.blocks));
      // What is wrong in the file stays wrong; what was wrong outside may not.
      if (!(error instanceof UsageError)) this.#seen = '';
      return;
    }
    this.#current = next;
    const retired = {
      blocks: before.blocks,
      cancel: clock.schedule(retirementMs, () => {
        this.#retired.delete(retired);
        for (const block of before.blocks) block.stop();
      }),
    };
    this.#retired.add(retired);
    await this.#pages.configure(this.#pagesOf(next.corefile));
    await this.#clusters.keep(clustersOf(next.blocks));
    this.#watchLoops(next);
    log.info('The Corefile has been taken over', { blocks: next.blocks.length });
  }

  #watchLoops({ blocks }: Generation): void {
    for (const block of blocks) {
      block.watchLoops((error) => {
        this.#hasFailed = true;
        this.#failure.reject(error);
      });
    }
  }

  /** Whether all clusters of the generation were listed in time. */
  async #settle({ blocks }: Generation, patienceMs: number): Promise<boolean> {
    const all = Promise.all([...clustersOf(blocks)].map(({ synced }) => synced)).then(() => true);
    const enough = new AbortController();
    const tooLong = sleep(
      this.#options.clock,
      patienceMs,
      AbortSignal.any([enough.signal, this.#stopping.signal]),
    ).then(() => false);
    const settled = await Promise.race([all, tooLong]);
    enough.abort();
    return settled;
  }

  #answeringOf({ blocks }: Generation): Answering[] {
    const interfaces = (this.#options.interfaces ?? networkInterfaces)();
    const places = new Map<string, { at: SocketAddress; services: Map<string, Service>; maxUdpBytes: number }>();
    for (const running of blocks) {
      const { port, zones, directives } = running.block;
      const services = zones.map((zone) => [zone, running.service(serverLabel(running), zoneLabel(zone))] as const);
      const addresses = [...new Set(listenAddresses(directives.bind, interfaces))];
      this.#answeredAt.set(
        running.block,
        addresses.map((address) => ({ address, port })),
      );
      for (const address of addresses) {
        const key = `${address} ${port}`;
        const maxUdpBytes = directives.bufsize?.bytes ?? defaultUdpBytes;
        const place = places.get(key) ?? { at: { address, port }, services: new Map(), maxUdpBytes };
        places.set(key, place);
        for (const [zone, service] of services) place.services.set(zone, service);
      }
    }
    return [...places.values()].map(({ at, services, maxUdpBytes }) => ({
      at,
      maxUdpBytes,
      responder: new Responder({ route: routeByZone(services) }),
    }));
  }

  #pagesOf({ blocks }: Corefile): { at: HostPort; pages: Pages }[] {
    const health: Pages = (path) => (path === '/health' ? text(200, 'OK') : undefined);
    const ready: Pages = (path) => {
      if (path !== '/ready') return undefined;
      const complaint = this.#complaint();
      return complaint === undefined ? text(200, 'OK') : text(503, complaint);
    };
    return blocks.flatMap(({ directives }) => [
      ...(directives.health ? [{ at: directives.health.at, pages: health }] : []),
      ...(directives.ready ? [{ at: directives.ready.at, pages: ready }] : []),
      ...(directives.prometheus ? [{ at: directives.prometheus.at, pages: this.metrics.pages }] : []),
    ]);
  }

  /** As CoreDNS's `/ready` names the plugins that are not. */
  #complaint(): string | undefined {
    if (this.#stopping.signal.aborted) return 'stopping';
    const waiting = [...clustersOf(this.#current?.blocks ?? [])].some(({ isSynced }) => !isSynced);
    if (waiting) return 'kubernetes';
    return this.addresses.length === 0 ? 'listeners' : undefined;
  }

  #watchFiles(): void {
    const { clock, random, files, path } = this.#options;
    const reload = this.#current?.corefile.blocks.find(({ directives }) => directives.reload)?.directives.reload;
    if (!reload || this.#stopping.signal.aborted) return;
    const { intervalMs, jitterMs } = reload;
    this.#cancelReload = clock.schedule(intervalMs + jitterMs * (2 * random() - 1), () => {
      const source = new NotingSource(files);
      try {
        readCorefile(path, source, this.#options.defaultPort);
      } catch {
        // It is told when it is taken over.
      }
      const due = source.signature === this.#seen ? Promise.resolve() : this.reload();
      void due.then(() => this.#watchFiles());
    });
  }

  #watchAddresses(): void {
    const { clock, log } = this.#options;
    this.#cancelAddresses = clock.schedule(addressesMs, () => {
      this.#busy = this.#busy.then(async () => {
        if (!this.#current || this.#stopping.signal.aborted) return;
        try {
          await this.#listeners.configure(this.#answeringOf(this.#current));
        } catch (error) {
          log.warn('A new address cannot be listened on', { error: messageOf(error) });
        }
        this.#watchAddresses();
      });
    });
  }

  *#caches() {
    for (const running of this.#current?.blocks ?? []) {
      const { block, cache } = running;
      if (cache) yield { server: serverLabel(running), zones: cacheLabel(block), cache };
    }
  }

  *#enabledPlugins() {
    for (const running of this.#current?.blocks ?? []) {
      const server = serverLabel(running);
      for (const zone of running.block.zones) {
        for (const name of Object.keys(running.block.directives) as DirectiveName[]) {
          if (handlers.has(name)) yield { server, zone: zoneLabel(zone), name };
        }
      }
    }
  }
}

/** CoreDNS reports those that handle questions. */
const handlers: ReadonlySet<DirectiveName> = new Set<DirectiveName>([
  ...([
    'acl',
    'any',
    'autopath',
    'bufsize',
    'cache',
    'chaos',
    'dns64',
    'errors',
    'forward',
    'hosts',
    'kubernetes',
  ] as const),
  ...([
    'loadbalance',
    'local',
    'log',
    'loop',
    'minimal',
    'prometheus',
    'rewrite',
    'template',
    'transfer',
    'whoami',
  ] as const),
]);

const clustersOf = (blocks: readonly RunningBlock[]): Set<FollowedCluster> =>
  new Set(blocks.flatMap(({ cluster }) => cluster ?? []));

const startupTimeoutMs = ({ blocks }: Corefile): number =>
  Math.max(
    0,
    ...blocks.map(({ directives }: { directives: Directives }) => directives.kubernetes?.startupTimeoutMs ?? 0),
  );

const serverLabel = ({ block: { directives, port } }: Pick<RunningBlock, 'block'>): string => {
  const address = directives.bind?.[0] ?? '';
  return `dns://${address.includes(':') ? `[${address}]` : address}:${port}`;
};

const cacheLabel = ({ directives }: ServerBlock): string => (directives.cache?.zones ?? []).map(zoneLabel).join(',');

const zoneLabel = (zone: string): string => (zone === '.' ? '.' : `${zone}.`);
