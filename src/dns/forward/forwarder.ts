import { randomInt } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import {
  encodeUpstreamQuery,
  responseCodes,
  safeUdpBytes,
  type UpstreamAnswer,
  type UpstreamQuery,
} from '../../wire/dns/mod.ts';
import { ForwardError } from './errors.ts';
import { type Attempt, askOverTcp, askOverUdp } from './exchange.ts';
import { type SocketAddress, socketAddressText } from './upstreams.ts';

export interface ForwarderOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Whom to ask, in order of preference; looked at for every question. */
  readonly upstreams: () => readonly SocketAddress[];
  /** Questions under way at one time; more are refused. Default 1000, as kubeadm sets it for CoreDNS. */
  readonly maxConcurrent?: number;
  /**
   * How long each attempt waits; one resolver after the other, from the first again when there are fewer. The default
   * ends before the five seconds after which resolver libraries give up on us.
   */
  readonly attemptTimeoutsMs?: readonly number[];
}

const defaultAttemptTimeoutsMs = [1000, 1500, 2000];
/** A resolver that did not answer is asked last for so long: one question in five seconds waits for it, not each. */
const distrustMs = 5000;

/** Asks other resolvers. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #stop = new AbortController();
  /** Resolver → until when it is asked last, on the monotonic clock. */
  readonly #distrusted = new Map<string, number>();
  #underWay = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Rejects with ForwardError. */
  async ask(query: UpstreamQuery): Promise<UpstreamAnswer> {
    const { maxConcurrent = 1000 } = this.#options;
    if (this.#stop.signal.aborted) throw new ForwardError('stopped', 'the server stops');
    if (this.#underWay >= maxConcurrent) {
      throw new ForwardError('overloaded', `${maxConcurrent} questions to other resolvers are under way already`);
    }
    this.#underWay++;
    try {
      return await this.#askInTurn(query);
    } finally {
      this.#underWay--;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #askInTurn(query: UpstreamQuery): Promise<UpstreamAnswer> {
    const upstreams = this.#inOrder();
    if (upstreams.length === 0) throw new ForwardError('no-upstream', 'no upstream resolver is known');
    const timeouts = this.#options.attemptTimeoutsMs ?? defaultAttemptTimeoutsMs;
    const attempts = Math.max(timeouts.length, upstreams.length);
    const refusals = new Map<SocketAddress, UpstreamAnswer>();
    const reasons: string[] = [];
    for (let attempt = 0; attempt < attempts; attempt++) {
      const upstream = upstreams[attempt % upstreams.length]!;
      // One that said no will say it again; one that was silent may have lost a packet.
      if (refusals.has(upstream)) continue;
      try {
        const answer = await this.#askOne(query, upstream, timeouts[attempt] ?? timeouts.at(-1)!);
        if (!isRefusal(answer.rcode)) return answer;
        refusals.set(upstream, answer);
      } catch (error) {
        if (this.#stop.signal.aborted) throw new ForwardError('stopped', 'the server stops');
        this.#distrust(upstream);
        reasons.push(messageOf(error));
      }
    }
    const refusal = refusals.values().next().value;
    if (refusal) return refusal;
    throw new ForwardError('unanswered', reasons.join('; '));
  }

  async #askOne(query: UpstreamQuery, upstream: SocketAddress, timeoutMs: number): Promise<UpstreamAnswer> {
    const answer = await askOverUdp(this.#attempt(query, upstream, timeoutMs, true)).catch((error) => {
      if (error?.code !== 'spoofed') throw error;
      return askOverTcp(this.#attempt(query, upstream, timeoutMs, true));
    });
    if (cannotEdns(answer)) return this.#askOnePlainly(query, upstream, timeoutMs);
    if (!answer.truncated) return answer;
    // What fitted is still an answer, with the TC bit that tells the client so.
    return askOverTcp(this.#attempt(query, upstream, timeoutMs, true)).catch(() => answer);
  }

  /** RFC 6891 section 7: a resolver from before EDNS says FORMERR or NOTIMP to it. */
  async #askOnePlainly(query: UpstreamQuery, upstream: SocketAddress, timeoutMs: number): Promise<UpstreamAnswer> {
    const answer = await askOverUdp(this.#attempt(query, upstream, timeoutMs, false));
    if (!answer.truncated) return answer;
    return askOverTcp(this.#attempt(query, upstream, timeoutMs, false)).catch(() => answer);
  }

  #attempt(query: UpstreamQuery, upstream: SocketAddress, timeoutMs: number, withEdns: boolean): Attempt {
    const id = randomInt(65_536);
    const packet = encodeUpstreamQuery(query, id, { withEdns, payloadBytes: safeUdpBytes });
    const { clock } = this.#options;
    return { upstream, packet, id, question: query.question, timeoutMs, clock, signal: this.#stop.signal };
  }

  #inOrder(): SocketAddress[] {
    const now = this.#options.clock.monotonicMs();
    const isDistrusted = (upstream: SocketAddress) => (this.#distrusted.get(socketAddressText(upstream)) ?? 0) > now;
    return [...this.#options.upstreams()].sort((one, other) => Number(isDistrusted(one)) - Number(isDistrusted(other)));
  }

  #distrust(upstream: SocketAddress): void {
    const { clock, log } = this.#options;
    const key = socketAddressText(upstream);
    const now = clock.monotonicMs();
    if ((this.#distrusted.get(key) ?? 0) <= now) log.warn('Resolver does not answer', { resolver: key });
    this.#distrusted.set(key, now + distrustMs);
  }
}

/** Answers that another resolver may better: resolver libraries go on to the next one after these too. */
const isRefusal = (rcode: number): boolean =>
  rcode === responseCodes.ServFail || rcode === responseCodes.NotImp || rcode === responseCodes.Refused;

const cannotEdns = ({ rcode, hadEdns }: UpstreamAnswer): boolean =>
  !hadEdns && (rcode === responseCodes.FormErr || rcode === responseCodes.NotImp);
