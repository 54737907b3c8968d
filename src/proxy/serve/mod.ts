export { type HttpListener, listenHttp, type Pages } from '../../base/http-listener.ts';
export { Bookkeeper } from './bookkeeper.ts';
export { healthPages } from './health-pages.ts';
export { createMetrics } from './metrics.ts';
export { metricsPages } from './metrics-pages.ts';
export { ProxyHealth } from './proxy-health.ts';
export { ServiceHealth } from './service-health.ts';
