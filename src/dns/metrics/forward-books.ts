import type { Registry } from 'prom-client';
import { rcodeName } from './rcode-name.ts';
import { counter, Distribution, exponential, histogram, type Sample } from './scraped.ts';

/** CoreDNS's, from plugin.go. */
const secondsBounds = exponential(0.00025, 2, 16);

const protocols = ['udp', 'tcp', 'tcp-tls', 'https'] as const;
export type Protocol = (typeof protocols)[number];

/** What has been asked of one resolver. */
export class UpstreamBooks {
  failedChecks = 0;
  /** Questions that went over a connection that was there already, and those that had one opened for them. */
  readonly hits: Record<Protocol, number> = { udp: 0, tcp: 0, 'tcp-tls': 0, https: 0 };
  readonly misses: Record<Protocol, number> = { udp: 0, tcp: 0, 'tcp-tls': 0, https: 0 };
  readonly seconds = new Map<string, Distribution>();

  answered(rcode: number, seconds: number): void {
    const name = rcodeName(rcode);
    const distribution = this.seconds.get(name) ?? new Distribution(secondsBounds);
    this.seconds.set(name, distribution);
    distribution.observe(seconds);
  }
}

/** What all `forward` directives have done; counts survive a reload. */
export class ForwardBooks {
  /** Questions that came when all resolvers were down. */
  brokenChecks = 0;
  /** Questions refused for `max_concurrent`. */
  rejected = 0;
  readonly #upstreams = new Map<string, UpstreamBooks>();

  /** `to` is address and port. */
  of(to: string): UpstreamBooks {
    const books = this.#upstreams.get(to) ?? new UpstreamBooks();
    this.#upstreams.set(to, books);
    return books;
  }

  /** Under CoreDNS's names: its `forward` has two of its own, the others come from the package that talks to resolvers. */
  register(registry: Registry): void {
    const one = (name: string, help: string, value: () => number) =>
      counter(registry, { name: `coredns_forward_${name}`, help }, () => [{ value: value() }]);
    one('healthcheck_broken_total', 'Counter of the number of complete failures of the healthchecks.', () => {
      return this.brokenChecks;
    });
    one(
      'max_concurrent_rejects_total',
      'Counter of the number of queries rejected because the concurrent queries were at maximum.',
      () => this.rejected,
    );
    const proxy = (name: string, help: string) => ({ name: `coredns_proxy_${name}`, help });
    histogram(registry, proxy('request_duration_seconds', 'Histogram of the time each request took.'), () =>
      this.#each(({ seconds }, labels) =>
        Array.from(seconds, ([rcode, value]) => ({ labels: { ...labels, rcode }, value })),
      ),
    );
    counter(registry, proxy('healthcheck_failures_total', 'Counter of the number of failed healthchecks.'), () =>
      this.#each(({ failedChecks }, labels) => (failedChecks > 0 ? [{ labels, value: failedChecks }] : [])),
    );
    const byProtocol = (kind: 'hits' | 'misses') => () =>
      this.#each((books, labels) =>
        protocols
          .map((proto): Sample => ({ labels: { ...labels, proto }, value: books[kind][proto] }))
          .filter(({ value }) => value > 0),
      );
    const help = (kind: string) => `Counter of connection cache ${kind} per upstream and protocol.`;
    counter(registry, proxy('conn_cache_hits_total', help('hits')), byProtocol('hits'));
    counter(registry, proxy('conn_cache_misses_total', help('misses')), byProtocol('misses'));
  }

  #each<Item>(read: (books: UpstreamBooks, labels: Record<'proxy_name' | 'to', string>) => Item[]): Item[] {
    return [...this.#upstreams].flatMap(([to, books]) => read(books, { proxy_name: 'forward', to }));
  }
}
