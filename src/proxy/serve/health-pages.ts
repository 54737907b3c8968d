import type { Clock } from '../../base/clock.ts';
import { type Answer, json, type Pages } from '../../base/http-listener.ts';
import type { ProxyHealth } from './proxy-health.ts';

export type HealthPage = 'healthz' | 'livez';

/**
 * What load balancers (`/healthz`, which takes the node's going away into account) and liveness probes (`/livez`) ask for,
 * byte for byte as kube-proxy answers but for the precision of its times.
 */
export function healthPages(
  health: ProxyHealth,
  clock: Clock,
  onAnswer: (page: HealthPage, code: number) => void,
): Pages {
  const answer = (page: HealthPage): Answer => {
    const { healthy, lastUpdatedMs } = health.state();
    const isWell = healthy && (page === 'livez' || health.nodeEligible);
    const status = isWell ? 200 : 503;
    onAnswer(page, status);
    const nowMs = clock.now();
    // "Last updated" is now for a healthy proxy, as it was when kube-proxy still wrote everything periodically.
    const times = `"lastUpdated": "${goTime(isWell ? nowMs : lastUpdatedMs)}","currentTime": "${goTime(nowMs)}"`;
    return json(status, page === 'livez' ? `{${times}}` : `{${times}, "nodeEligible": ${health.nodeEligible}}`);
  };
  return (path) => (path === '/healthz' || path === '/livez' ? answer(path.slice(1) as HealthPage) : undefined);
}

/** As Go prints a time: `2026-01-02 03:04:05.678 +0000 UTC`; its zero is the year 1. */
function goTime(epochMs: number): string {
  if (epochMs === 0) return '0001-01-01 00:00:00 +0000 UTC';
  const text = new Date(epochMs).toISOString();
  const fraction = text.slice(19, -1).replace(/\.?0+$/, '');
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction} +0000 UTC`;
}
