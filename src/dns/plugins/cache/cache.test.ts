import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket, { type Answer as PacketRecord } from 'dns-packet';
import fc from 'fast-check';
import { ManualClock } from '../../../base/clock.ts';
import { parseQuery, readUpstreamAnswer } from '../../../wire/dns/mod.ts';
import { codeOnly, messageOf } from '../../chain/mod.ts';
import type { Answer, Question } from '../../chain/port.ts';
import { decode, encodeQuestion, zoneLines } from '../../testing/stub-client.ts';
import { BoundedMap } from './bounded-map.ts';
import { type CacheOptions, createCachePlugin } from './cache.ts';

const question = (name: string, type = 'A'): Question => {
  const packet = encodeQuestion({ name, type });
  const client = { address: '10.244.1.5', port: 40_000 };
  return { packet, query: parseQuery(packet)!, transport: { kind: 'udp', maxUdpBytes: 1232 }, client };
};

const a = (name: string, ttl: number, data = '192.0.2.1'): PacketRecord => ({
  name,
  type: 'A',
  ttl,
  class: 'IN',
  data,
});
const soa = (ttl: number, minimum: number, name = 'example.com'): PacketRecord => ({
  name,
  type: 'SOA',
  ttl,
  class: 'IN',
  data: { mname: 'ns.example.com', rname: 'h.example.com', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});

interface Shape {
  readonly rcode?: number;
  readonly flags?: number;
  readonly answers?: PacketRecord[];
  readonly authorities?: PacketRecord[];
}

function relayed({ packet }: Question, { rcode = 0, flags = 0, ...sections }: Shape): Answer {
  const { questions = [] } = dnsPacket.decode(Buffer.from(packet));
  const message = dnsPacket.encode({ type: 'response', id: 1, flags: flags | rcode, questions, ...sections });
  return { kind: 'relayed', upstream: readUpstreamAnswer(message) };
}

function cached(options: CacheOptions, behave: (question: Question) => Answer | Promise<Answer>) {
  const clock = new ManualClock();
  const made = createCachePlugin(options, { clock });
  const { plugin, totals } = made;
  let upstreamQuestions = 0;
  const handler = plugin((asked) => {
    upstreamQuestions++;
    return behave(asked);
  });
  const ask = async (name: string, type?: string) => {
    const asked = question(name, type);
    const message = decode(messageOf(asked, await handler(asked)));
    return { rcode: message.rcode, lines: zoneLines(message.answers), message };
  };
  return { clock, made, totals, ask, handler, asked: () => upstreamQuestions };
}

const name = 'www.example.com';

test('a hit has the client’s spelling and a TTL that counts down; after it the resolver is asked again', async () => {
  const cache = cached({}, (asked) => relayed(asked, { answers: [a(name, 60), a(name, 90, '192.0.2.2')] }));
  await cache.ask(name);
  await cache.clock.advance(20_000);
  const hit = await cache.ask('WWW.example.COM');
  assert.equal(hit.message.questions?.[0]?.name, 'WWW.example.COM');
  assert.deepEqual(
    hit.message.answers?.map((record) => (record as { ttl: number }).ttl),
    [40, 40],
  );
  assert.equal(cache.asked(), 1);
  await cache.clock.advance(40_000);
  await cache.ask(name);
  assert.equal(cache.asked(), 2);
  assert.deepEqual(cache.totals.hits, { success: 1, denial: 0 });
  assert.deepEqual([cache.totals.requests, cache.totals.misses], [3, 2]);
});

test('each kind of answer is kept for this long, or not at all', async () => {
  const nx = 3;
  const table: [string, CacheOptions, Shape, number][] = [
    ['the smallest TTL counts', {}, { answers: [a(name, 300), a(name, 30)] }, 30],
    ['not longer than an hour', {}, { answers: [a(name, 86_400)] }, 3600],
    ['`cache 3` is stronger than the least time', { success: { maxTtlSeconds: 3 } }, { answers: [a(name, 300)] }, 3],
    ['a limit of its own', { success: { maxTtlSeconds: 10 } }, { answers: [a(name, 86_400)] }, 10],
    ['TTL 0 for the least time', {}, { answers: [a(name, 0)] }, 5],
    ['TTL 0 with no least time', { success: { minTtlSeconds: 0 } }, { answers: [a(name, 0)] }, 0],
    ['a TTL over 2^31 is none', {}, { answers: [a(name, 2 ** 31)] }, 5],
    ['NXDOMAIN by SOA minimum', {}, { rcode: nx, authorities: [soa(900, 40)] }, 40],
    ['NXDOMAIN by the TTL of SOA', {}, { rcode: nx, authorities: [soa(20, 900)] }, 20],
    ['NODATA likewise', {}, { authorities: [soa(900, 40)] }, 40],
    ['denial without SOA', {}, { rcode: nx }, 0],
    ['denial by the SOA of strangers', {}, { rcode: nx, authorities: [soa(900, 40, 'example.net')] }, 0],
    ['denial that is disabled', { disable: { denial: ['com'] } }, { rcode: nx, authorities: [soa(9, 40)] }, 0],
    ['success that is disabled', { disable: { success: ['.'] } }, { answers: [a(name, 30)] }, 0],
    ['SERVFAIL', {}, { rcode: 2 }, 5],
    ['SERVFAIL at most 5 minutes', { servfailMs: 9_000_000 }, { rcode: 2 }, 300],
    ['SERVFAIL never', { servfailMs: 0 }, { rcode: 2 }, 0],
    ['NOTIMP like SERVFAIL', {}, { rcode: 4 }, 5],
    ['REFUSED', {}, { rcode: 5 }, 0],
    ['what was cut', {}, { flags: dnsPacket.TRUNCATED_RESPONSE, answers: [a(name, 30)] }, 0],
    ['a record of another name', {}, { answers: [a(name, 30), a('bank.example.net', 30)] }, 0],
    ['another zone', { zones: ['example.net'] }, { answers: [a(name, 30)] }, 0],
  ];
  for (const [title, options, shape, seconds] of table) {
    const cache = cached(options, (asked) => relayed(asked, shape));
    await cache.ask(name);
    if (seconds > 0) {
      await cache.clock.advance(seconds * 1000 - 1);
      await cache.ask(name);
      assert.equal(cache.asked(), 1, title);
      await cache.clock.advance(1);
    }
    await cache.ask(name);
    assert.equal(cache.asked(), 2, title);
  }
});

test('the TTL never jumps: what is kept for less than it says is said to be from the first answer on', async () => {
  const options = { success: { maxTtlSeconds: 30 } };
  const ttls = async (keepTtl: boolean) => {
    const cache = cached({ ...options, keepTtl }, async (asked) => relayed(asked, { answers: [a(name, 300)] }));
    const first = await Promise.all([cache.ask(name), cache.ask(name)]);
    await cache.clock.advance(10_000);
    return [...first, await cache.ask(name)].map(({ lines }) => lines[0]!.split(' ')[1]);
  };
  assert.deepEqual(await ttls(false), ['30', '30', '20']);
  assert.deepEqual(await ttls(true), ['30', '30', '30']);
});

test('an alias and what it leads to belong together', async () => {
  const alias: PacketRecord = { name, type: 'CNAME', ttl: 50, class: 'IN', data: 'cdn.example.net' };
  const cache = cached({}, (asked) => relayed(asked, { answers: [alias, a('cdn.example.net', 60)] }));
  await cache.ask(name);
  assert.deepEqual((await cache.ask(name)).lines, [
    'www.example.com. 50 IN CNAME cdn.example.net.',
    'cdn.example.net. 50 IN A 192.0.2.1',
  ]);
  assert.equal(cache.asked(), 1);
});

test('type, DO, CD and RD are part of the question', async () => {
  const cache = cached({}, (asked) => relayed(asked, { answers: [a(name, 60)] }));
  const base = question(name);
  const variants: Question[] = [
    base,
    question(name, 'AAAA'),
    { ...base, query: { ...base.query, flags: 0x0110 } },
    { ...base, query: { ...base.query, flags: 0 } },
    { ...base, query: { ...base.query, edns: { version: 0, payloadBytes: 1232, dnssecOk: true } } },
  ];
  for (const variant of [...variants, ...variants]) await cache.handler(variant);
  assert.equal(cache.asked(), variants.length);
});

test('equal questions share one exchange; its failure ends with it', async () => {
  const waiting: PromiseWithResolvers<Answer>[] = [];
  const cache = cached({}, () => {
    waiting.push(Promise.withResolvers<Answer>());
    return waiting.at(-1)!.promise;
  });
  const both = [cache.handler(question(name)), cache.handler(question(name))];
  assert.equal(waiting.length, 1);
  waiting[0]!.reject(new Error('lost'));
  for (const answer of both) await assert.rejects(async () => answer, /lost/);
  const again = cache.handler(question(name));
  assert.equal(waiting.length, 2);
  waiting[1]!.resolve(relayed(question(name), { answers: [a(name, 60)] }));
  await again;
});

test('our own answers pass and are not kept', async () => {
  const cache = cached({}, () => codeOnly(3));
  await cache.ask(name);
  await cache.ask(name);
  assert.equal(cache.asked(), 2);
  assert.deepEqual(cache.made.entries, { success: 0, denial: 0 });
});

test('what is in demand is fetched anew before it expires, once', async () => {
  const waiting: (() => void)[] = [];
  const cache = cached({ prefetch: { amount: 3, percentage: 20 } }, (asked) => {
    const answer = relayed(asked, { answers: [a(name, 100)] });
    if (cache.asked() === 1) return answer;
    return new Promise((resolve) => waiting.push(() => resolve(answer)));
  });
  await cache.ask(name);
  await cache.ask(name);
  await cache.ask(name);
  await cache.clock.advance(59_000);
  await cache.ask(name);
  await cache.clock.advance(20_000);
  await cache.ask(name);
  assert.equal(cache.asked(), 1, 'still more than 20 % left');
  await cache.clock.advance(1000);
  for (let round = 0; round < 3; round++) await cache.ask(name);
  assert.equal(cache.asked(), 2);
  waiting[0]!();
  await cache.clock.advance(50_000);
  assert.match((await cache.ask(name)).lines[0]!, / 50 IN A /);
  assert.equal(cache.asked(), 2);
});

test('what expired is given out with TTL 0 while it is fetched anew', async () => {
  let up = true;
  const cache = cached({ serveStale: { durationMs: 60_000 } }, (asked) =>
    relayed(asked, up ? { answers: [a(name, 30)] } : { rcode: 2 }),
  );
  await cache.ask(name);
  up = false;
  await cache.clock.advance(40_000);
  for (let round = 0; round < 2; round++) assert.match((await cache.ask(name)).lines[0]!, / 0 IN A /);
  assert.equal(cache.totals.servedStale, 2);
  assert.equal(cache.totals.prefetches, 2, 'CoreDNS counts them as fetched ahead');
  await cache.clock.advance(50_000);
  assert.equal((await cache.ask(name)).rcode, 'SERVFAIL', 'too old');
  up = true;
  await cache.clock.advance(5000);
  assert.match((await cache.ask(name)).lines[0]!, / 30 IN A /);
});

test('verify asks first, and falls back to what expired', async () => {
  let behave = (asked: Question): Answer | Promise<Answer> => relayed(asked, { answers: [a(name, 30)] });
  const cache = cached({ serveStale: { refresh: 'verify' } }, (asked) => behave(asked));
  await cache.ask(name);
  behave = async (asked) => relayed(asked, { answers: [a(name, 30, '192.0.2.9')] });
  await cache.clock.advance(30_000);
  assert.match((await cache.ask(name)).lines[0]!, /192\.0\.2\.9/);
  behave = () => Promise.reject(new Error('lost'));
  await cache.clock.advance(30_000);
  assert.match((await cache.ask(name)).lines[0]!, / 0 IN A 192\.0\.2\.9/);
});

test('a full map lets go of what nobody uses, and never holds more', () => {
  let evictions = 0;
  const map = new BoundedMap<{ used: boolean }>(100, () => evictions++);
  const popular = { used: true };
  map.set('popular', popular);
  for (let flood = 0; flood < 5000; flood++) {
    map.set(`flood${flood}`, { used: false });
    popular.used = true;
    assert.ok(map.size <= 100);
  }
  assert.equal(map.get('popular'), popular);
  assert.equal(evictions, 5001 - 100);
});

test('law: a cache answers what its resolver answered last, never longer than its TTL', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ ask: fc.integer({ min: 0, max: 3 }), ttl: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ passMs: fc.integer({ min: 1, max: 40_000 }) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      let ttl = 1;
      let version = 0;
      const options = { success: { minTtlSeconds: 0 } };
      const cache = cached(options, (asked) => {
        const { questions } = dnsPacket.decode(Buffer.from(asked.packet));
        return relayed(asked, { answers: [a(questions![0]!.name, ttl, `10.0.${version >> 8}.${version++ & 255}`)] });
      });
      const model = new Map<number, { address: string; expiresMs: number }>();
      for (const step of history) {
        if ('passMs' in step) {
          await cache.clock.advance(step.passMs);
          continue;
        }
        ttl = step.ttl;
        const nowMs = cache.clock.monotonicMs();
        const known = model.get(step.ask);
        if (!known || known.expiresMs <= nowMs) {
          const address = `10.0.${version >> 8}.${version & 255}`;
          model.set(step.ask, { address, expiresMs: nowMs + ttl * 1000 });
        }
        const { address, expiresMs } = model.get(step.ask)!;
        const seconds = known === model.get(step.ask) ? Math.ceil((expiresMs - nowMs) / 1000) : ttl;
        assert.deepEqual((await cache.ask(`n${step.ask}.example`)).lines, [
          `n${step.ask}.example. ${seconds} IN A ${address}`,
        ]);
      }
    }),
    { numRuns: 60 },
  );
});
