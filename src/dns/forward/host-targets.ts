import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import {
  isTransport,
  ports,
  type SocketAddress,
  socketAddressText,
  splitTarget,
  type UpstreamTarget,
} from './upstreams.ts';

/** A resolver by its name. */
export interface HostTarget extends Omit<UpstreamTarget, 'address'> {
  readonly host: string;
}

export interface HostTargetsOptions {
  readonly target: HostTarget;
  /** Who is asked for its addresses; none: the machine's own way, /etc/hosts and all. */
  readonly resolvers: readonly SocketAddress[];
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** As long as no address is known, nothing can be forwarded. */
const urgentMs = 2000;
const lookupMs = 2000;

/** The addresses of a resolver that is known by its name, as they are now. */
export class HostTargets {
  readonly #options: HostTargetsOptions;
  readonly #lookup: (host: string) => Promise<string[]>;
  #upstreams: readonly UpstreamTarget[] = [];
  #cancel: Cancel = () => {};
  #isStopped = false;

  constructor(options: HostTargetsOptions) {
    this.#options = options;
    this.#lookup = options.resolvers.length > 0 ? lookupBy(options.resolvers) : lookupByMachine;
  }

  get upstreams(): readonly UpstreamTarget[] {
    return this.#upstreams;
  }

  /** Resolves when the name has been looked up once. A name that has no address is looked up again soon. */
  async start(): Promise<void> {
    await this.#resolve();
    if (this.#isStopped) return;
    const delayMs = this.#upstreams.length > 0 ? this.#options.intervalMs : urgentMs;
    this.#cancel = this.#options.clock.schedule(delayMs, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #resolve(): Promise<void> {
    const { target, log } = this.#options;
    const { host, ...rest } = target;
    try {
      const addresses = (await this.#lookup(host)).sort();
      if (addresses.join() === this.#upstreams.map(({ address }) => address).join()) return;
      // Over TLS the certificate must bear the name, unless another one has been given for it.
      const named = rest.transport !== 'dns' ? { serverName: host, ...rest } : rest;
      this.#upstreams = addresses.map((address) => ({ ...named, address }));
      log.info('Looked up a resolver', { host, addresses: addresses.join() });
    } catch (error) {
      // The last known addresses stay.
      log.warn('The name of a resolver cannot be looked up', { host, error: messageOf(error) });
    }
  }
}

const lookupByMachine = async (host: string): Promise<string[]> =>
  (await dns.lookup(host, { all: true })).map(({ address }) => address);

function lookupBy(resolvers: readonly SocketAddress[]): (host: string) => Promise<string[]> {
  const resolver = new dns.Resolver({ timeout: lookupMs, tries: 1 });
  resolver.setServers(resolvers.map(socketAddressText));
  return async (host) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = [four, six].flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
    return addresses;
  };
}

const hostPattern = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$/i;

/** `dns.example.org`, `tls://dns.example.org:8853`. Undefined: that is no name of a host. */
export function parseHostTarget(text: string): HostTarget | undefined {
  const { scheme, rest, path } = splitTarget(text);
  const [, host = '', portText] = /^([^:%]+)(?::(\d+))?$/.exec(rest) ?? [];
  // What consists of digits and dots was meant as an address.
  if (!isTransport(scheme) || !hostPattern.test(host) || isIP(host) !== 0 || /^[\d.]+$/.test(host)) return undefined;
  const port = portText === undefined ? ports[scheme] : Number(portText);
  if (port < 1 || port > 65_535) return undefined;
  return { host: host.replace(/\.$/, ''), port, transport: scheme, ...(path && { path }) };
}
