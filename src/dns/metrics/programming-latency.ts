import type { EndpointSlice, Service } from '../../kube/mod.ts';
import type { DnsInformers } from '../cluster-source.ts';
import { Distribution, exponential } from './scraped.ts';

/** CoreDNS's: 1 ms to about 18 minutes. */
const secondsBounds = exponential(0.001, 2, 20);

/** The control plane writes into a slice when what it tells of has happened. */
/** An annotation of slices: when what they say last changed. */
export const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * How long it took from a change of a headless Service's endpoints until it could be asked for (the SLI "DNS programming
 * latency"). What was there before the first list is complete says nothing: it did not wait for us.
 */
export class ProgrammingLatency {
  readonly seconds = new Distribution(secondsBounds);
  readonly #nowMs: () => number;
  readonly #headless = new Set<string>();
  #isCounting = false;

  constructor({ services, endpointSlices }: DnsInformers, nowMs: () => number) {
    this.#nowMs = nowMs;
    services.onChange(({ key, after }) => this.#note(key, after));
    endpointSlices?.onChange(({ before, after }) => {
      if (this.#isCounting && after) this.#count(before, after);
    });
    void Promise.all([services.synced, endpointSlices?.synced]).then(() => {
      this.#isCounting = true;
    });
  }

  #note(key: string, service: Service | undefined): void {
    if (service?.spec.clusterIP === 'None' && service.spec.selector) this.#headless.add(key);
    else this.#headless.delete(key);
  }

  #count(before: EndpointSlice | undefined, { metadata }: EndpointSlice): void {
    const at = metadata.annotations?.[triggerTime];
    if (at === undefined || at === before?.metadata.annotations?.[triggerTime]) return;
    if (!this.#headless.has(`${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`)) return;
    const atMs = Date.parse(at);
    if (!Number.isNaN(atMs)) this.seconds.observe(Math.max(0, this.#nowMs() - atMs) / 1000);
  }
}
