import type { Registry } from 'prom-client';
import { type Answer, json, type Pages, text } from '../../base/http-listener.ts';

export interface MetricsPagesOptions {
  readonly registry: Registry;
  /** Brings up to date what is counted only on demand. */
  readonly refresh: () => void;
  /** The mode at the moment. */
  readonly mode: () => string;
  /** The configuration at the moment, as a file would have it. */
  readonly configuration: () => object;
}

/** What kube-proxy serves on its metrics address, profiles aside. `/healthz` there says only that the process lives. */
export function metricsPages({ registry, refresh, mode, configuration }: MetricsPagesOptions): Pages {
  const pages: Record<string, () => Answer | Promise<Answer>> = {
    '/healthz': () => text(200, 'ok'),
    '/proxyMode': () => text(200, mode()),
    '/configz': () => json(200, JSON.stringify({ 'kubeproxy.config.k8s.io': configuration() })),
    '/metrics': async () => {
      refresh();
      return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() };
    },
  };
  return (path) => (Object.hasOwn(pages, path) ? pages[path]!() : undefined);
}
