export { Bookkeeper } from './bookkeeper.ts';
export { healthPages } from './health-pages.ts';
export { type HttpListener, listenHttp, type Pages } from './http-listener.ts';
export { createMetrics } from './metrics.ts';
export { metricsPages } from './metrics-pages.ts';
export { ProxyHealth } from './proxy-health.ts';
export { ServiceHealth } from './service-health.ts';
