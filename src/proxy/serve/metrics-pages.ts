import type { Registry } from 'prom-client';
import type { Clock } from '../../base/clock.ts';
import { type Answer, json, type Pages, text } from '../../base/http-listener.ts';
import { kubernetesVersion } from '../../base/version.ts';
import { flagzPage, statuszPage } from './z-pages.ts';

export interface MetricsPagesOptions {
  readonly registry: Registry;
  /** Brings up to date what is counted only on demand. */
  readonly refresh: () => void;
  /** The mode at the moment. */
  readonly mode: () => string;
  /** The configuration at the moment, as a file would have it. */
  readonly configuration: () => object;
  /** The same as flags would say it. */
  readonly flags: () => Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** What kube-proxy serves on its metrics address, profiles aside. `/healthz` there says only that the process lives. */
export function metricsPages(options: MetricsPagesOptions): Pages {
  const { registry, refresh, mode, configuration, flags, clock } = options;
  const startedMs = clock.now();
  const { major, minor } = kubernetesVersion;
  const pages: Record<string, () => Answer | Promise<Answer>> = {
    '/healthz': () => text(200, 'ok'),
    '/proxyMode': () => text(200, mode()),
    '/flagz': () => text(200, flagzPage(flags())),
    '/statusz': () =>
      text(
        200,
        statuszPage({ startedMs, nowMs: clock.now(), emulated: `${major}.${minor}`, paths: Object.keys(pages) }),
      ),
    '/configz': () => json(200, JSON.stringify({ 'kubeproxy.config.k8s.io': configuration() })),
    '/metrics': async () => {
      refresh();
      return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() };
    },
  };
  return (path) => (Object.hasOwn(pages, path) ? pages[path]!() : undefined);
}
