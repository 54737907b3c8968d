import type { Clock } from '../../../base/clock.ts';
import { headerFlags, MalformedMessageError, responseCodes, type UpstreamAnswer } from '../../../wire/dns/mod.ts';
import type { Answer, Handler, Plugin, Question } from '../../chain/port.ts';
import { isWithinAny, zoneKeys } from '../zones.ts';
import { BoundedMap } from './bounded-map.ts';
import { type Keepable, keepableOf } from './keepable.ts';

/** One of the two stores, as `success` and `denial` set it in CoreDNS. */
export interface StoreOptions {
  /** In messages. Default 9984. */
  readonly capacity?: number;
  /** Default 3600 for success, 1800 for denial. */
  readonly maxTtlSeconds?: number;
  /** Default 5. */
  readonly minTtlSeconds?: number;
}

/** The options of CoreDNS's cache plugin, with its defaults. */
export interface CacheOptions {
  /** Names to keep answers for; default all. */
  readonly zones?: readonly string[];
  readonly success?: StoreOptions;
  readonly denial?: StoreOptions;
  /** How long another resolver's SERVFAIL is kept: at most 5 minutes, 0 never. Default 5 seconds. */
  readonly servfailMs?: number;
  /** Fetch anew what was asked for `amount` times without a pause of `durationMs`, in its last `percentage` of time. */
  readonly prefetch?: { readonly amount: number; readonly durationMs?: number; readonly percentage?: number };
  /** Give out what expired less than `durationMs` (default one hour) ago. */
  readonly serveStale?: { readonly durationMs?: number; readonly refresh?: 'immediate' | 'verify' };
  /** Zones whose successes or denials are not kept. */
  readonly disable?: { readonly success?: readonly string[]; readonly denial?: readonly string[] };
  /** Give out the TTL that it is kept for, instead of what is left of it. */
  readonly keepTtl?: boolean;
}

/**
 * In the meaning of CoreDNS's metrics `coredns_cache_*`. They go on where they were when a reload replaces the cache:
 * counters must not fall.
 */
export class CacheTotals {
  readonly hits = { success: 0, denial: 0 };
  readonly evictions = { success: 0, denial: 0 };
  requests = 0;
  misses = 0;
  prefetches = 0;
  servedStale = 0;
  /** Answers that were not kept because they hold records of names that were not asked for. */
  drops = 0;
}

export interface CachePlugin {
  readonly plugin: Plugin;
  readonly totals: CacheTotals;
  /** How many answers it holds. */
  readonly entries: { readonly success: number; readonly denial: number };
}

interface Entry {
  readonly kind: Keepable['kind'];
  readonly upstream: UpstreamAnswer;
  /** The message's bytes, whose TTLs are counted down in place. */
  readonly message: Buffer;
  readonly ttlPlaces: readonly number[];
  readonly ttlSeconds: number;
  readonly expiresMs: number;
  readonly answer: Answer;
  shownTtl: number;
  used: boolean;
  streak: number;
  lastAskedMs: number;
}

export const createCachePlugin = (
  options: CacheOptions,
  { clock, totals = new CacheTotals() }: { readonly clock: Clock; readonly totals?: CacheTotals },
): CachePlugin => {
  const cache = new Cache(options, clock, totals);
  return {
    plugin: (next) => (question) => cache.answer(question, next),
    totals,
    get entries() {
      return cache.entries;
    },
  };
};

class Cache {
  readonly #totals: CacheTotals;
  readonly #options: CacheOptions;
  readonly #clock: Clock;
  readonly #zones: readonly string[] | undefined;
  readonly #disabled: { readonly success: readonly string[]; readonly denial: readonly string[] };
  readonly #stores: { readonly success: BoundedMap<Entry>; readonly denial: BoundedMap<Entry> };
  /** Questions that a handler behind us works on: whoever asks the same meanwhile gets the same answer. */
  readonly #underWay = new Map<string, Promise<Answer>>();
  readonly #staleMs: number;

  constructor(options: CacheOptions, clock: Clock, totals: CacheTotals) {
    this.#options = options;
    this.#totals = totals;
    this.#clock = clock;
    this.#zones = options.zones?.length ? zoneKeys(options.zones) : undefined;
    const { success = [], denial = [] } = options.disable ?? {};
    this.#disabled = { success: zoneKeys(success), denial: zoneKeys(denial) };
    this.#stores = {
      success: new BoundedMap(options.success?.capacity ?? 9984, () => totals.evictions.success++),
      denial: new BoundedMap(options.denial?.capacity ?? 9984, () => totals.evictions.denial++),
    };
    this.#staleMs = options.serveStale ? (options.serveStale.durationMs ?? 3_600_000) : 0;
  }

  get entries() {
    return { success: this.#stores.success.size, denial: this.#stores.denial.size };
  }

  answer(question: Question, next: Handler): Answer | Promise<Answer> {
    if (this.#zones && !isWithinAny(question.query.key, this.#zones)) return next(question);
    this.#totals.requests++;
    const key = cacheKey(question);
    const entry = this.#stores.success.get(key) ?? this.#stores.denial.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (!entry || nowMs >= entry.expiresMs + this.#staleMsOf(entry)) {
      this.#totals.misses++;
      return this.#fetch(key, question, next);
    }
    this.#totals.hits[storeOf(entry)]++;
    entry.used = true;
    if (nowMs >= entry.expiresMs) return this.#stale(key, entry, question, next);
    if (this.#isWorthPrefetching(entry, nowMs)) {
      this.#totals.prefetches++;
      this.#refresh(key, question, next);
    }
    this.#showTtl(entry, Math.ceil((entry.expiresMs - nowMs) / 1000));
    return entry.answer;
  }

  #fetch(key: string, question: Question, next: Handler): Answer | Promise<Answer> {
    const shared = this.#underWay.get(key);
    if (shared) return shared;
    const answer = next(question);
    if (!(answer instanceof Promise)) return this.#keep(key, question, answer);
    const kept = answer.then(
      (settled) => {
        this.#underWay.delete(key);
        return this.#keep(key, question, settled);
      },
      (error) => {
        this.#underWay.delete(key);
        throw error;
      },
    );
    this.#underWay.set(key, kept);
    return kept;
  }

  /** In the background; a failure costs nobody anything, what is kept stays until its time. */
  #refresh(key: string, question: Question, next: Handler): void {
    if (this.#underWay.has(key)) return;
    const answer = this.#fetch(key, question, next);
    if (answer instanceof Promise) answer.catch(() => {});
  }

  #stale(key: string, entry: Entry, question: Question, next: Handler): Answer | Promise<Answer> {
    if (this.#options.serveStale?.refresh === 'verify') return this.#verified(key, entry, question, next);
    this.#totals.prefetches++;
    this.#refresh(key, question, next);
    return this.#asStale(entry);
  }

  async #verified(key: string, entry: Entry, question: Question, next: Handler): Promise<Answer> {
    try {
      const fresh = await this.#fetch(key, question, next);
      const rcode = fresh.kind === 'relayed' ? fresh.upstream.rcode : fresh.response.rcode;
      if (rcode === responseCodes.NoError || rcode === responseCodes.NXDomain) return fresh;
    } catch {
      // What the resolver cannot say, the kept answer still says.
    }
    return this.#asStale(entry);
  }

  #asStale(entry: Entry): Answer {
    this.#totals.servedStale++;
    this.#showTtl(entry, 0);
    return entry.answer;
  }

  /** A resolver's failure is nothing to hold on to. */
  #staleMsOf({ kind }: Entry): number {
    return kind === 'servfail' ? 0 : this.#staleMs;
  }

  #isWorthPrefetching(entry: Entry, nowMs: number): boolean {
    const { prefetch } = this.#options;
    if (!prefetch) return false;
    const { amount, durationMs = 60_000, percentage = 10 } = prefetch;
    entry.streak = nowMs - entry.lastAskedMs < durationMs ? entry.streak + 1 : 1;
    entry.lastAskedMs = nowMs;
    const lastMs = Math.max(1000, (entry.ttlSeconds * 1000 * percentage) / 100);
    return entry.streak >= amount && entry.expiresMs - nowMs <= lastMs;
  }

  /** Returns the answer with the TTLs that it will be given out with from here on: not 300 now and at most 30 later. */
  #keep(key: string, question: Question, answer: Answer): Answer {
    if (answer.kind !== 'relayed') return answer;
    const keepable = this.#keepable(question.query.key, answer.upstream);
    if (!keepable) return answer;
    const nowMs = this.#clock.monotonicMs();
    const ttlMs = this.#ttlMs(keepable);
    const store = storeOf(keepable);
    if (ttlMs <= 0 || isWithinAny(question.query.key, this.#disabled[store])) return answer;
    const before = this.#stores.success.get(key) ?? this.#stores.denial.get(key);
    const isUsable = before !== undefined && before.kind !== 'servfail' && nowMs < before.expiresMs + this.#staleMs;
    // A resolver in trouble does not take from us what we still may give out.
    if (keepable.kind === 'servfail' && isUsable) return answer;
    const message = Buffer.from(answer.upstream.message);
    const upstream = { ...answer.upstream, message };
    this.#stores[store === 'success' ? 'denial' : 'success'].delete(key);
    const entry: Entry = {
      kind: keepable.kind,
      upstream,
      message,
      ttlPlaces: keepable.ttlPlaces,
      ttlSeconds: Math.ceil(ttlMs / 1000),
      expiresMs: nowMs + ttlMs,
      answer: { kind: 'relayed', upstream, from: 'cache' },
      shownTtl: -1,
      used: false,
      // A refreshed answer is as much in demand as the one that it replaces.
      streak: before?.streak ?? 0,
      lastAskedMs: before?.lastAskedMs ?? nowMs,
    };
    this.#stores[store].set(key, entry);
    this.#showTtl(entry, entry.ttlSeconds);
    return { ...answer, upstream };
  }

  #keepable(key: string, upstream: UpstreamAnswer): Keepable | undefined {
    try {
      const keepable = keepableOf(key, upstream);
      if (!keepable && !upstream.truncated) this.#totals.drops++;
      return keepable;
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#totals.drops++;
      return undefined;
    }
  }

  #ttlMs({ kind, ttlSeconds }: Keepable): number {
    if (kind === 'servfail') return Math.min(this.#options.servfailMs ?? 5000, 300_000);
    const { maxTtlSeconds = kind === 'success' ? 3600 : 1800, minTtlSeconds = 5 } = this.#options[kind] ?? {};
    // `cache 3` means three seconds, although the least is five.
    return Math.min(Math.max(ttlSeconds, minTtlSeconds), maxTtlSeconds) * 1000;
  }

  #showTtl(entry: Entry, remainingSeconds: number): void {
    const seconds = this.#options.keepTtl ? entry.ttlSeconds : remainingSeconds;
    if (entry.shownTtl === seconds) return;
    entry.shownTtl = seconds;
    for (const place of entry.ttlPlaces) entry.message.writeUInt32BE(seconds, place);
  }
}

const storeOf = ({ kind }: { readonly kind: Keepable['kind'] }) => (kind === 'success' ? 'success' : 'denial');

const tellingFlags = headerFlags.recursionDesired | headerFlags.authenticData | headerFlags.checkingDisabled;

/** Everything of a question that another resolver's answer may depend on. */
const cacheKey = ({ query }: Question): string =>
  query.key +
  String.fromCharCode(query.type, query.class, (query.flags & tellingFlags) | (query.edns?.dnssecOk ? 1 : 0));
