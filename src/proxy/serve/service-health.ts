import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { type Answer, type HttpListener, json, listenHttp } from '../../base/http-listener.ts';
import type { Logger } from '../../base/log.ts';
import type { EventRecorder, HealthCheck, HealthCheckResponder } from '../ports.ts';
import { serviceReference } from '../references.ts';
import type { ProxyHealth } from './proxy-health.ts';

export interface ServiceHealthOptions {
  readonly health: ProxyHealth;
  readonly nodeName: string;
  /** Where node ports answer; asked when a Service's health check is opened. */
  readonly hosts: () => readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder?: EventRecorder;
}

/**
 * Answers load balancers on a Service's healthCheckNodePort: 200 with a ready endpoint on this node and a proxy that
 * keeps up, else 503 (pkg/proxy/healthcheck/service_health.go).
 */
export class ServiceHealth implements HealthCheckResponder {
  readonly #options: ServiceHealthOptions;
  readonly #open = new Map<string, Opened>();

  constructor(options: ServiceHealthOptions) {
    this.#options = options;
  }

  set(check: HealthCheck): void {
    const known = this.#open.get(check.service);
    if (known?.check.nodePort === check.nodePort) {
      known.check = check;
      return;
    }
    this.delete(check.service);
    this.#open.set(check.service, this.#openFor(check));
  }

  delete(service: string): void {
    void close(this.#open.get(service));
    this.#open.delete(service);
  }

  /** Resolves when all that was asked for listens: for tests, which cannot wait for time. */
  async listening(): Promise<void> {
    await Promise.all([...this.#open.values()].flatMap(({ listeners }) => listeners.map((one) => one.listening)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(close));
    this.#open.clear();
  }

  #openFor(check: HealthCheck): Opened {
    const { clock, log, hosts } = this.#options;
    const opened: Opened = { check, listeners: [] };
    const onFailure = (error: Error, failures: number) => {
      // Two attempts are left to a session that is ending; and once is enough, however long another program has the port.
      if (failures === 3) this.#say(check, error);
    };
    // kube-proxy answers on every path.
    const pages = () => this.#answer(opened.check);
    const common = { port: check.nodePort, ipv6Only: true, pages, clock, log, onFailure };
    opened.listeners = hosts().map((host) => listenHttp({ ...common, host }));
    return opened;
  }

  #answer({ service, localEndpoints }: HealthCheck): Answer {
    const { healthy } = this.#options.health.state();
    const [namespace, name] = service.split('/');
    const body = [
      '{',
      '\t"service": {',
      `\t\t"namespace": ${JSON.stringify(namespace)},`,
      `\t\t"name": ${JSON.stringify(name)}`,
      '\t},',
      `\t"localEndpoints": ${localEndpoints},`,
      `\t"serviceProxyHealthy": ${healthy}`,
      '}',
    ].join('\n');
    // The weight lets load balancers send more to nodes that have more (kubernetes/kubernetes pull 118999).
    const weight = { 'x-load-balancing-endpoint-weight': String(localEndpoints) };
    return json(localEndpoints > 0 && healthy ? 200 : 503, body, weight);
  }

  #say({ service, nodePort }: HealthCheck, error: Error): void {
    const { log, nodeName, recorder } = this.#options;
    const message = `node ${nodeName} failed to start healthcheck "${service}" on port ${nodePort}: ${messageOf(error)}`;
    log.warn('Cannot answer health checks of a Service', { service, nodePort, error: messageOf(error) });
    recorder?.record(serviceReference(service), 'Warning', 'FailedToStartServiceHealthcheck', message);
  }
}

interface Opened {
  check: HealthCheck;
  listeners: readonly HttpListener[];
}

async function close(opened: Opened | undefined): Promise<void> {
  await Promise.all(opened?.listeners.map((listener) => listener.close()) ?? []);
}
