import type { Cancel, Clock } from '../../base/clock.ts';
import { get } from '../../base/node-http.ts';
import type { HostPort } from '../corefile/mod.ts';
import type { ServiceMetrics } from './service-metrics.ts';

export interface HealthCheckOptions {
  readonly clock: Clock;
  readonly metrics: Pick<ServiceMetrics, 'healthSeconds' | 'failedHealthChecks'>;
  readonly portOf: (at: HostPort) => Promise<number> | undefined;
}

const everyMs = 1000;

/** Asks its own `/health` once a second, as CoreDNS does: how long that takes shows how busy the process is. */
export class HealthCheck {
  readonly #options: HealthCheckOptions;
  #cancel: Cancel = () => {};

  constructor(options: HealthCheckOptions) {
    this.#options = options;
  }

  follow(at: HostPort | undefined): void {
    this.#cancel();
    if (at) this.#cancel = this.#options.clock.schedule(everyMs, () => void this.#check(at));
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  async #check(at: HostPort): Promise<void> {
    const { clock, metrics, portOf } = this.#options;
    this.follow(at);
    const port = await portOf(at);
    if (port === undefined) return;
    const beganMs = clock.monotonicMs();
    const isWell = await ask(at.host || 'localhost', port);
    if (isWell) metrics.healthSeconds.observe((clock.monotonicMs() - beganMs) / 1000);
    else metrics.failedHealthChecks++;
  }
}

const ask = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get({ host, port, path: '/health', agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
    });
    request.setTimeout(5 * everyMs, () => request.destroy());
    request.on('error', () => resolve(false));
  });
