import type { Clock } from '../../base/clock.ts';
import { messageOf, type OperatingError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { listenAddress } from '../config/mod.ts';
import { type HttpListener, listenHttp, type Pages } from '../serve/mod.ts';

export interface WebOptions {
  readonly health: Pages;
  readonly metrics: Pages;
  readonly clock: Clock;
  readonly log: Logger;
  /** An address cannot be had; `reason` as in kube-proxy's Events. */
  readonly onFailure: (
    reason: 'FailedToStartProxierHealthcheck' | 'FailedToStartMetricServer',
    error: OperatingError,
  ) => void;
}

/** The two HTTP servers, wherever the configuration of the moment wants them. */
export class Web {
  readonly #options: WebOptions;
  readonly #healthz: Moving;
  readonly #metrics: Moving;

  constructor(options: WebOptions) {
    this.#options = options;
    this.#healthz = this.#moving('healthz', options.health, 'FailedToStartProxierHealthcheck');
    this.#metrics = this.#moving('metrics', options.metrics, 'FailedToStartMetricServer');
  }

  async configure(config: KubeProxyConfiguration): Promise<void> {
    await Promise.all([this.#healthz.move(config.healthzBindAddress), this.#metrics.move(config.metricsBindAddress)]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#healthz.move(''), this.#metrics.move('')]);
  }

  #moving(server: string, pages: Pages, reason: Parameters<WebOptions['onFailure']>[0]): Moving {
    const { clock, log, onFailure } = this.#options;
    return new Moving((address) => {
      const failed = (error: OperatingError) => {
        log.warn('A server cannot have its address', { server, address, error: messageOf(error) });
        onFailure(reason, error);
      };
      const place = listenAddress(address);
      return place && listenHttp({ ...place, pages, clock, log, onFailure: failed });
    });
  }
}

/** One server that may change its address, or have none. */
class Moving {
  readonly #listen: (address: string) => HttpListener | undefined;
  #address = '';
  #listener: HttpListener | undefined;

  constructor(listen: (address: string) => HttpListener | undefined) {
    this.#listen = listen;
  }

  async move(address: string): Promise<void> {
    if (address === this.#address) return;
    this.#address = address;
    const former = this.#listener;
    await former?.close();
    this.#listener = this.#listen(address);
  }
}
