import { type Benchmark, percentile } from './harness.ts';
import { canServe, type DataplaneName } from './programs/dataplanes.ts';
import type { ChangeKind } from './programs/proxy-node.ts';
import { runProxyNode } from './programs/run-proxy-node.ts';

/**
 * How many changes tell enough, given what one costs: the legacy interface exchanges its whole table each time. The
 * warm-up is for the just-in-time compiler, whose threads compete with the change while they work.
 */
const plans: readonly { readonly dataplane: DataplaneName; readonly warmUp: number; readonly changes: number }[] = [
  { dataplane: 'nftables', warmUp: 20_000, changes: 500 },
  { dataplane: 'iptables-nft', warmUp: 200, changes: 300 },
  { dataplane: 'iptables-legacy', warmUp: 2, changes: 20 },
  { dataplane: 'userspace', warmUp: 200, changes: 100 },
];

const sizes: readonly (readonly [services: number, endpoints: number])[] = [
  [100, 2],
  [1_000, 2],
  [5_000, 2],
  [10_000, 2],
  [50_000, 2],
  [1_000, 250],
  [1, 10_000],
];

const churnSeconds = 10;

export const benchmark: Benchmark = {
  name: 'proxy-change',
  description:
    'One endpoint replaced, one Service added, 1 % churn a second, by number of Services: from the watch event to the kernel’s ACK',

  async run({ tiny, wants, progress }) {
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const { dataplane, ...plan } of plans) {
      // At 1 % a second a smaller cluster would take its time even for three changes.
      for (const [services, endpoints] of tiny ? ([[1_000, 2]] as const) : sizes) {
        for (const change of kindsOf(services, endpoints)) {
          if (!wants({ change, dataplane, services, endpoints }) || !canServe(dataplane, services)) continue;
          progress(`${dataplane}, ${services} Services × ${endpoints}, change: ${change}`);
          const { warmUp, changes } = tiny ? { warmUp: 1, changes: 3 } : withinTime(plan, change, services);
          const report = await runProxyNode({ dataplane, services, endpoints, change, warmUp, changes });
          const { changeUs, messages, bytes } = report;
          samples[`${dataplane} ${services} × ${endpoints} ${change}`] = changeUs;
          const [p50Us, p99Us] = [0.5, 0.99].map((share) => Math.round(percentile(changeUs, share)));
          rows.push({ change, dataplane, services, endpoints, p50Us: p50Us!, p99Us: p99Us!, messages, bytes });
        }
      }
    }
    const changes = Object.fromEntries(plans.map((plan) => [plan.dataplane, plan.changes]));
    const warmUp = Object.fromEntries(plans.map((plan) => [plan.dataplane, plan.warmUp]));
    const conditions = { namespace: 'its own', endpointsPerSlice: 100, betweenSingleChanges: '25 ms', churnSeconds };
    return { conditions: { ...conditions, changes, warmUp }, rows, samples };
  },
};

/** A Service more of hundreds of endpoints is no change but another load, and one Service has no hundredth. */
function kindsOf(services: number, endpoints: number): readonly ChangeKind[] {
  if (services === 1) return ['endpoint'];
  return endpoints > 100 ? ['endpoint', 'churn'] : ['endpoint', 'service', 'churn'];
}

function withinTime(plan: { warmUp: number; changes: number }, change: ChangeKind, services: number) {
  if (change !== 'churn') return plan;
  return { ...plan, changes: Math.min(plan.changes, Math.ceil((services / 100) * churnSeconds)) };
}
