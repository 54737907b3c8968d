import type { Registry } from 'prom-client';
import { recordTypes } from '../../wire/dns/mod.ts';
import type { Question } from '../chain/port.ts';
import { rcodeName } from './rcode-name.ts';
import { counter, Distribution, exponential, histogram } from './scraped.ts';

/** CoreDNS's, from plugin/metrics/vars and plugin.go. */
const sizeBounds = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];
const secondsBounds = exponential(0.00025, 2, 16);

/** The types that CoreDNS counts by name; all others are `other`. */
const countedTypes: ReadonlyMap<number, string> = new Map<number, string>([
  ...(['A', 'AAAA', 'MX', 'SOA', 'CNAME', 'PTR', 'TXT', 'NS', 'SRV', 'ANY', 'AXFR', 'IXFR'] as const).map(
    (name) => [recordTypes[name], name] as const,
  ),
  [43, 'DS'],
  [46, 'RRSIG'],
  [47, 'NSEC'],
  [48, 'DNSKEY'],
  [50, 'NSEC3'],
  [65, 'HTTPS'],
]);
const typeNames = [...countedTypes.values(), 'other'];
const slotOfType: ReadonlyMap<number, number> = new Map([...countedTypes.keys()].map((type, slot) => [type, slot]));
const otherSlot = typeNames.length - 1;

/** Codes beyond are counted as the last one. */
const mostCodes = 24;

const protocols = ['udp', 'tcp'] as const;
const families = ['1', '2'] as const;

/** What one server block has answered; numbers in arrays, so that counting costs next to nothing. */
export class QueryBooks {
  readonly labels: Readonly<Record<'server' | 'zone' | 'view', string>>;
  /** By protocol, family and type. */
  readonly requests = new Float64Array(protocols.length * families.length * typeNames.length);
  readonly requestBytes = protocols.map(() => new Distribution(sizeBounds));
  readonly responseBytes = protocols.map(() => new Distribution(sizeBounds));
  readonly seconds = new Distribution(secondsBounds);
  dnssecRequests = 0;
  /** Plugin → code → how many. */
  readonly responses = new Map<string, Float64Array>();

  constructor(server: string, zone: string) {
    this.labels = { server, zone, view: '' };
  }

  count(question: Question, reply: Buffer, rcode: number, plugin: string, elapsedMs: number): void {
    const { query, packet, transport, client } = question;
    const protocol = transport.kind === 'udp' ? 0 : 1;
    const family = client.address.includes(':') && !client.address.startsWith('::ffff:') ? 1 : 0;
    const slot = slotOfType.get(query.type) ?? otherSlot;
    this.requests[(protocol * families.length + family) * typeNames.length + slot]! += 1;
    this.requestBytes[protocol]!.observe(packet.length);
    this.responseBytes[protocol]!.observe(reply.length);
    this.seconds.observe(elapsedMs / 1000);
    if (query.edns?.dnssecOk) this.dnssecRequests++;
    this.#codesOf(plugin)[Math.min(rcode, mostCodes - 1)]! += 1;
  }

  #codesOf(plugin: string): Float64Array {
    const known = this.responses.get(plugin);
    if (known) return known;
    const codes = new Float64Array(mostCodes);
    this.responses.set(plugin, codes);
    return codes;
  }

  *requestSamples() {
    for (const [index, value] of this.requests.entries()) {
      if (value === 0) continue;
      const place = Math.floor(index / typeNames.length);
      const proto = protocols[Math.floor(place / families.length)]!;
      const family = families[place % families.length]!;
      yield { labels: { ...this.labels, proto, family, type: typeNames[index % typeNames.length]! }, value };
    }
  }

  *responseSamples() {
    for (const [plugin, codes] of this.responses) {
      for (const [rcode, value] of codes.entries()) {
        if (value > 0) yield { labels: { ...this.labels, rcode: rcodeName(rcode), plugin }, value };
      }
    }
  }
}

/** Registers CoreDNS's metrics of questions; `books` are those of all server blocks that there have been. */
export function registerQueryMetrics(registry: Registry, books: () => Iterable<QueryBooks>): void {
  const common = (name: string, help: string) => ({ name: `coredns_dns_${name}`, help });
  const all = () => [...books()];
  const byProtocol = (of: 'requestBytes' | 'responseBytes') => () =>
    all().flatMap((book) =>
      book[of]
        .map((value, index) => ({ labels: { ...book.labels, proto: protocols[index]! }, value }))
        .filter(({ value }) => value.count > 0),
    );
  counter(registry, common('requests_total', 'Counter of DNS requests made per zone, protocol and family.'), () =>
    all().flatMap((book) => [...book.requestSamples()]),
  );
  counter(registry, common('responses_total', 'Counter of response status codes.'), () =>
    all().flatMap((book) => [...book.responseSamples()]),
  );
  counter(registry, common('do_requests_total', 'Counter of DNS requests with DO bit set per zone.'), () =>
    all().map((book) => ({ labels: book.labels, value: book.dnssecRequests })),
  );
  histogram(
    registry,
    common('request_size_bytes', 'Size of the requests in bytes, before any rewriting.'),
    byProtocol('requestBytes'),
  );
  histogram(registry, common('response_size_bytes', 'Size of the responses in bytes.'), byProtocol('responseBytes'));
  histogram(
    registry,
    common('request_duration_seconds', 'Histogram of the time (in seconds) each request took per zone.'),
    () => all().map((book) => ({ labels: book.labels, value: book.seconds })),
  );
}
