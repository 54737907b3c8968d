import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { messageOf, type OperatingError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client, RequestObserver } from '../../client/mod.ts';
import type { Kernel } from '../../kernel/port.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { flagsOfConfiguration, millisecondsOf, type ProxyMode } from '../config/mod.ts';
import type { Relaying } from '../dataplane/port.ts';
import { nodeReference } from '../references.ts';
import { Bookkeeper, createMetrics, healthPages, metricsPages, ProxyHealth } from '../serve/mod.ts';
import type { ProxySettings } from '../settings.ts';
import { chooseMode, type Dataplanes } from './dataplanes.ts';
import { removeOtherModes, removeUpstreamTables } from './leftovers.ts';
import { type Session, startSession } from './session.ts';
import type { TuningProblem } from './tuning.ts';
import { Web } from './web.ts';

export interface ProxyServerOptions {
  /** Read and valid. */
  readonly config: KubeProxyConfiguration;
  /** What the configuration has no field for. */
  readonly own: Pick<ProxySettings, 'serviceCidr'>;
  readonly nodeName: (config: KubeProxyConfiguration) => string;
  /** A client for `clientConnection` of a configuration. Throws UsageError. */
  readonly connect: (config: KubeProxyConfiguration, observer: RequestObserver) => Client;
  readonly dataplanes: Dataplanes;
  readonly kernel: Kernel;
  /** As uname(1) says it. */
  readonly kernelRelease: string;
  /** Sets what belongs to the node and not to Services, and says what it cannot. */
  readonly tune: (config: KubeProxyConfiguration, mode: ProxyMode) => readonly TuningProblem[];
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What kube-proxy is beside its rules: servers, kernel parameters, Events, modes, and a configuration that may change. */
export class ProxyServer {
  /** Rejects when there is no going on: an address cannot be had and `bindAddressHardFail` is set. */
  readonly failure: Promise<never>;
  readonly #options: ProxyServerOptions;
  readonly #log: Logger;
  readonly #metrics = createMetrics();
  readonly #health: ProxyHealth;
  readonly #books: Bookkeeper;
  readonly #web: Web;
  readonly #fail: (error: unknown) => void;
  #config: KubeProxyConfiguration;
  /** The last that was asked for. */
  #wanted: KubeProxyConfiguration;
  #session: Session;
  /** Configurations come one after the other. */
  #turn: Promise<void> = Promise.resolve();
  /** Gives up a change of modes that waits for its rules: something newer has come. */
  #supersede: () => void = () => {};
  #stopped = false;
  /** Of sessions that are over: whoever is connected through one of them stays connected. */
  readonly #relaying: Relaying[] = [];

  /** Throws UsageError, or OperatingError when the machine cannot do the mode or does not let us. */
  constructor(options: ProxyServerOptions) {
    const { clock, config, log } = options;
    this.#options = options;
    this.#log = log;
    this.#config = config;
    this.#wanted = config;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failure = promise;
    this.#fail = reject;
    promise.catch(() => {});
    // Twice the period, as upstream waits.
    this.#health = new ProxyHealth(clock, 2 * millisecondsOf(config.iptables.syncPeriod));
    this.#books = new Bookkeeper({ metrics: this.#metrics, health: this.#health, clock, mode: () => this.mode });
    this.#session = this.#startSession(config);
    this.#web = this.#createWeb();
    void this.#web.configure(config);
    this.#tune();
    this.#session.recorder.record(nodeReference(options.nodeName(config)), 'Normal', 'Starting', '');
    this.#removeLeftoversOnceSynced();
  }

  get mode(): ProxyMode {
    return this.#session.mode;
  }

  /** The kernel holds what the API server had when it was first asked. */
  get synced(): Promise<void> {
    return this.#session.synced;
  }

  /**
   * Goes on under another configuration: only what it concerns begins anew, and what is in the kernel stays until the new
   * rules are there. A configuration that cannot be started is logged, and the one before goes on.
   */
  reconfigure(config: KubeProxyConfiguration): Promise<void> {
    this.#wanted = config;
    this.#supersede();
    this.#turn = this.#turn.then(() => this.#reconfigure(config));
    return this.#turn;
  }

  async #reconfigure(config: KubeProxyConfiguration): Promise<void> {
    if (this.#stopped || config !== this.#wanted || isDeepStrictEqual(config, this.#config)) return;
    const before = this.#config;
    try {
      if (!isDeepStrictEqual(rulesOf(config), rulesOf(before)) && !(await this.#replaceSession(config))) return;
    } catch (error) {
      this.#log.error('Cannot go on under the new configuration, keeping the one before', { error: messageOf(error) });
      return;
    }
    this.#config = config;
    this.#tune();
    await this.#web.configure(config);
    this.#log.info('Configuration changed', { mode: this.mode });
  }

  /** Ends the work and leaves the kernel as it is: traffic goes on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#supersede();
    await this.#turn;
    const relaying = this.#relaying.map((one) => one.end());
    await Promise.all([this.#web.close(), this.#session.stop(), ...relaying]);
  }

  #startSession(config: KubeProxyConfiguration): Session {
    const { connect, dataplanes, kernelRelease } = this.#options;
    const mode = chooseMode(config.mode, dataplanes, kernelRelease);
    const nodeName = this.#options.nodeName(config);
    const parts = {
      health: this.#health,
      books: this.#books,
      client: connect(config, this.#books),
    };
    this.#log.info('Starting', { mode, node: nodeName });
    return startSession({ ...this.#options, config, mode, nodeName, ...parts });
  }

  /** False: something newer has come meanwhile. */
  async #replaceSession(config: KubeProxyConfiguration): Promise<boolean> {
    const { dataplanes, kernelRelease } = this.#options;
    const former = this.#session;
    if (chooseMode(config.mode, dataplanes, kernelRelease) !== former.mode) return this.#changeModes(config, former);
    // Two that write the same rules would take each other for vandals. Meanwhile the rules serve on, and relays too.
    this.#relaying.push(...(await former.handOver()));
    try {
      this.#session = this.#startSession(config);
    } catch (error) {
      this.#session = this.#startSession(this.#config);
      throw error;
    } finally {
      this.#removeLeftoversOnceSynced();
    }
    return true;
  }

  /** What userspace mode relays ends with it, so that the successor has to be there before. */
  async #changeModes(config: KubeProxyConfiguration, former: Session): Promise<boolean> {
    const next = this.#startSession(config);
    const { promise: superseded, resolve } = Promise.withResolvers<boolean>();
    this.#supersede = () => resolve(false);
    if (!(await Promise.race([next.synced.then(() => true), superseded]))) {
      await next.stop();
      return false;
    }
    this.#session = next;
    this.#removeLeftovers();
    // In the same turn, or the former one would find its rules gone, and repair them.
    this.#relaying.push(...(await former.handOver()));
    this.#drainRelays();
    return true;
  }

  #removeLeftoversOnceSynced(): void {
    const session = this.#session;
    void session.synced.then(() => {
      if (session !== this.#session || this.#stopped) return;
      this.#removeLeftovers();
      this.#drainRelays();
    });
  }

  /** No rule leads to those of former sessions any more. */
  #drainRelays(): void {
    for (const one of this.#relaying) one.drain();
  }

  /** Once the new rules are there, the old ones go out: at no moment does a packet find none. */
  #removeLeftovers(): void {
    const { dataplanes, kernel, netns } = this.#options;
    removeOtherModes(dataplanes, this.mode, this.#log);
    removeUpstreamTables(kernel, this.#log, netns);
  }

  #tune(): void {
    for (const { reason, message } of this.#options.tune(this.#config, this.mode)) this.#warn(reason, message);
  }

  #warn(reason: string, message: string): void {
    const node = nodeReference(this.#options.nodeName(this.#config));
    this.#session.recorder.record(node, 'Warning', reason, message);
  }

  #createWeb(): Web {
    const { clock } = this.#options;
    const { healthzAnswers, livezAnswers, registry } = this.#metrics;
    return new Web({
      clock,
      log: this.#log,
      health: healthPages(this.#health, clock, (page, code) => {
        (page === 'healthz' ? healthzAnswers : livezAnswers).inc({ code: String(code) });
      }),
      metrics: metricsPages({
        registry,
        refresh: () => this.#books.count(this.#session.ports()),
        mode: () => this.mode,
        configuration: () => this.#config,
        flags: () => flagsOfConfiguration(this.#config),
        clock,
      }),
      onFailure: (reason: string, error: OperatingError) => {
        if (!this.#config.bindAddressHardFail) return;
        this.#warn(reason, error.message);
        this.#fail(error);
      },
    });
  }
}

/** All but what has nothing to do with rules. */
function rulesOf(config: KubeProxyConfiguration): object {
  const { healthzBindAddress, metricsBindAddress, bindAddressHardFail, logging, oomScoreAdj, ...rest } = config;
  return rest;
}
