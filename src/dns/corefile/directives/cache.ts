import { parseDuration } from '../../../base/go-duration.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { CacheDirective, CacheLimits } from '../options.ts';
import type { ReadContext } from '../read.ts';

const defaultCapacity = 9984;
const leastCapacity = 1024;
const longestServfailMs = 300_000;

/** https://coredns.io/plugins/cache/ */
export function readCache(words: Words, context: ReadContext): CacheDirective {
  const ttlSeconds = /^\d+$/.test(words.peek() ?? '') ? words.wholeNumber(1) : undefined;
  const zones = words.zones(context.zones);
  const found: { -readonly [Name in keyof CacheDirective]: CacheDirective[Name] } = {
    zones,
    success: { capacity: defaultCapacity, maxTtlSeconds: ttlSeconds ?? 3600, minTtlSeconds: 5 },
    denial: { capacity: defaultCapacity, maxTtlSeconds: ttlSeconds ?? 1800, minTtlSeconds: 5 },
    prefetch: undefined,
    serveStale: undefined,
    servfailMs: 5000,
    disabled: { success: [], denial: [] },
    keepTtl: false,
  };
  words.properties({
    success: (property) => {
      found.success = readLimits(property, found.success);
    },
    denial: (property) => {
      found.denial = readLimits(property, found.denial);
    },
    prefetch: (property) => {
      found.prefetch = readPrefetch(property);
    },
    serve_stale: (property) => {
      const durationMs = property.hasMore ? property.durationMs() : 3_600_000;
      const refresh = property.hasMore ? property.oneOf(['immediate', 'verify', 'verified']) : 'immediate';
      found.serveStale = { durationMs, refresh: refresh === 'immediate' ? refresh : 'verify' };
    },
    servfail: (property) => {
      found.servfailMs = property.durationMs();
      if (found.servfailMs > longestServfailMs) throw mistake(property.name, 'servfail of cache is at most 5m');
    },
    disable: (property) => {
      const kind = property.oneOf(['success', 'denial']);
      found.disabled = { ...found.disabled, [kind]: property.zones(zones) };
    },
    keepttl: () => {
      found.keepTtl = true;
    },
  });
  return found;
}

function readLimits(property: Words, preset: CacheLimits): CacheLimits {
  const capacity = Math.max(leastCapacity, property.wholeNumber(0));
  const maxTtlSeconds = property.hasMore ? property.wholeNumber(1) : preset.maxTtlSeconds;
  const minTtlSeconds = property.hasMore ? property.wholeNumber(0) : preset.minTtlSeconds;
  return { capacity, maxTtlSeconds, minTtlSeconds };
}

function readPrefetch(property: Words): CacheDirective['prefetch'] {
  const amount = property.wholeNumber(0);
  const durationMs = property.hasMore && parseDuration(property.peek()!) !== undefined ? property.durationMs() : 60_000;
  let percentage = 10;
  if (property.hasMore) {
    const token = property.next('a percentage');
    percentage = Number(/^(\d+)%$/.exec(token.text)?.[1]);
    if (!(percentage >= 10 && percentage <= 90)) {
      throw mistake(token, `${JSON.stringify(token.text)} of prefetch is not a percentage from 10% to 90%`);
    }
  }
  // CoreDNS's word for "never".
  return amount === 0 ? undefined : { amount, durationMs, percentage };
}
