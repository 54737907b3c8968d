import type { SecureContext } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import {
  encodeName,
  headerFlags,
  recordClasses,
  recordTypes,
  responseCodes,
  type UpstreamAnswer,
  type UpstreamQuery,
} from '../../wire/dns/mod.ts';
import type { Protocol, UpstreamBooks } from '../metrics/forward-books.ts';
import { askOverUdp, type Outgoing, outgoing, type Patience } from './exchange.ts';
import { Health } from './health.ts';
import type { ForwardingOptions } from './options.ts';
import { StreamPool } from './stream-pool.ts';
import { opener } from './tls.ts';
import { type SocketAddress, socketAddressText, targetText, type UpstreamTarget } from './upstreams.ts';

export interface UpstreamOptions {
  readonly target: UpstreamTarget;
  readonly options: ForwardingOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly books: UpstreamBooks;
  readonly tlsContext: () => SecureContext;
}

/** As CoreDNS calls what goes over a connection. */
const protocolOf: Record<UpstreamTarget['transport'], Protocol> = { dns: 'tcp', tls: 'tcp-tls', https: 'https' };

/** How long a resolver may take for a health check. */
const checkMs = 1000;

/** One resolver: how it is asked, its connections, its health. */
export class Upstream {
  readonly address: SocketAddress;
  readonly #name: string;
  readonly #options: UpstreamOptions;
  readonly #streams: StreamPool;
  readonly #health: Health;
  readonly #stopping = new AbortController();

  constructor(options: UpstreamOptions) {
    const { target, clock, tlsContext } = options;
    const { expireMs, maxAgeMs, maxIdleConnections, maxFails, healthCheck } = options.options;
    this.#options = options;
    this.address = target;
    this.#name = targetText(target);
    this.#streams = new StreamPool({
      resolver: this.#name,
      clock,
      open: opener(target, options.options.dohMethod, tlsContext),
      expireMs,
      maxAgeMs,
      maxIdle: maxIdleConnections,
    });
    this.#health = new Health({
      clock,
      intervalMs: healthCheck.intervalMs,
      maxFails,
      check: () => this.#check(),
      onFailed: (fails, error) => this.#noteFailedCheck(fails, error),
      onWell: (fails) => fails > 0 && options.log.info('Resolver answers again', { resolver: this.#name }),
    });
  }

  get isDown(): boolean {
    return this.#health.isDown;
  }

  get isDoubted(): boolean {
    return this.#health.isDoubted;
  }

  /** `overTcp`: the client came so. Rejects when no answer comes; whose fault that is, is the caller's to say. */
  async ask(query: UpstreamQuery, overTcp: boolean, patience: Patience): Promise<UpstreamAnswer> {
    const { clock, books, options } = this.#options;
    const inStream = this.#isTls || options.forceTcp || (overTcp && !options.preferUdp);
    const beganMs = clock.monotonicMs();
    const first = await this.#exchange(outgoing(query, true), inStream, patience);
    // RFC 6891 section 7: a resolver from before EDNS says FORMERR or NOTIMP to it.
    const answer = cannotEdns(first) ? await this.#exchange(outgoing(query, false), inStream, patience) : first;
    books.answered(answer.rcode, (clock.monotonicMs() - beganMs) / 1000);
    return { ...answer, resolver: socketAddressText(this.address) };
  }

  /** A question went unanswered: finds out whether the resolver is at fault. */
  doubt(): void {
    this.#health.doubt();
  }

  /** What is under way goes on. */
  stop(): void {
    this.#stopping.abort();
    this.#health.stop();
    this.#streams.close();
  }

  /** Over TLS, HTTPS or not, nothing goes in datagrams. */
  get #isTls(): boolean {
    return this.#options.target.transport !== 'dns';
  }

  async #exchange(question: Outgoing<UpstreamAnswer>, inStream: boolean, patience: Patience): Promise<UpstreamAnswer> {
    if (inStream) return this.#inStream(question, patience);
    let cut: UpstreamAnswer | undefined;
    try {
      cut = await this.#inDatagram(question, patience);
      if (!cut.truncated) return cut;
    } catch (error) {
      if (codeOf(error) !== 'spoofed') throw error;
    }
    return this.#inStream(question, patience).catch((error) => {
      if (!cut) throw error;
      // What fitted is still an answer, with the TC bit that tells the client so.
      return cut;
    });
  }

  #inDatagram<Result>(question: Outgoing<Result>, patience: Patience): Promise<Result> {
    this.#options.books.misses.udp++;
    return askOverUdp(this.address, question, patience);
  }

  async #inStream<Result>(question: Outgoing<Result>, patience: Patience): Promise<Result> {
    const { books } = this.#options;
    const protocol = protocolOf[this.#options.target.transport];
    const known = this.#streams.openedCount;
    const kept = this.#streams.kept();
    if (kept) {
      books.hits[protocol]++;
      try {
        return await kept.ask(question, patience);
      } catch (error) {
        // Resolvers close what is idle, and restart: that says nothing about how they answer now.
        if (codeOf(error) !== 'closed') throw error;
      }
    }
    // After a restart all that were kept are as dead as the first; whoever finds that out shares the new ones.
    const fresh = kept && this.#streams.kept(known);
    if (!fresh) books.misses[protocol]++;
    return (fresh ?? this.#streams.opened()).ask(question, patience);
  }

  #check(): Promise<unknown> {
    const { clock, options } = this.#options;
    const patience = {
      clock,
      timeoutMs: checkMs,
      untilMs: Number.POSITIVE_INFINITY,
      signal: this.#stopping.signal,
    };
    const { healthCheck, forceTcp } = options;
    const question = healthQuestion(healthCheck.domain, healthCheck.recursionDesired);
    return this.#isTls || forceTcp ? this.#inStream(question, patience) : askOverUdp(this.address, question, patience);
  }

  #noteFailedCheck(fails: number, error: unknown): void {
    const { books, log, options } = this.#options;
    books.failedChecks++;
    const about = { resolver: this.#name, error: messageOf(error) };
    if (fails === 1) log.warn('Resolver does not answer', about);
    if (fails === options.maxFails + 1) log.warn('Resolver is taken for down', about);
  }
}

const cannotEdns = ({ rcode, hadEdns }: UpstreamAnswer): boolean =>
  !hadEdns && (rcode === responseCodes.FormErr || rcode === responseCodes.NotImp);

/** NS of the root, by default. Whatever the resolver says to it, REFUSED too, shows that it is there. */
function healthQuestion(domain: string, recursionDesired: boolean): Outgoing<true> {
  const name = encodeName(domain);
  const question = Buffer.alloc(name.length + 4);
  question.set(name);
  question.writeUInt16BE(recordTypes.NS, name.length);
  question.writeUInt16BE(recordClasses.IN, name.length + 2);
  const query = { question, flags: recursionDesired ? headerFlags.recursionDesired : 0, dnssecOk: false };
  const { encode } = outgoing(query, false);
  return {
    encode,
    accept: (message, id) =>
      (message.length >= 12 && message.readUInt16BE(0) === id && (message[2]! & 0x80) !== 0) || undefined,
  };
}
