import { type Benchmark, percentile } from './harness.ts';
import type { ChangeKind, DataplaneName } from './programs/proxy-node.ts';
import { runProxyNode } from './programs/run-proxy-node.ts';

const endpoints = 2;

/** How many changes tell enough, given what one costs: the legacy interface exchanges its whole table each time. */
const plans: readonly { readonly dataplane: DataplaneName; readonly warmUp: number; readonly changes: number }[] = [
  { dataplane: 'nftables', warmUp: 100, changes: 500 },
  { dataplane: 'iptables-nft', warmUp: 50, changes: 300 },
  { dataplane: 'iptables-legacy', warmUp: 2, changes: 20 },
];

export const benchmark: Benchmark = {
  name: 'proxy-change',
  description:
    'One endpoint replaced, one Service added, 1 % churn a second, by number of Services: from the watch event to the kernel’s ACK',

  async run({ tiny, progress }) {
    // At 1 % a second a smaller cluster would take its time even for three changes.
    const sizes = tiny ? [1_000] : [100, 1_000, 5_000, 10_000, 50_000];
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const plan of plans) {
      for (const services of sizes) {
        for (const change of ['endpoint', 'service', 'churn'] satisfies ChangeKind[]) {
          progress(`${plan.dataplane}, ${services} Services, change: ${change}`);
          const [warmUp, changes] = tiny ? [1, 3] : [plan.warmUp, plan.changes];
          const { dataplane } = plan;
          const report = await runProxyNode({ dataplane, services, endpoints, change, warmUp, changes });
          const { changeUs, messages, bytes } = report;
          samples[`${dataplane} ${services} ${change}`] = changeUs;
          const [p50Us, p99Us] = [0.5, 0.99].map((share) => Math.round(percentile(changeUs, share)));
          rows.push({ change, dataplane, services, p50Us: p50Us!, p99Us: p99Us!, messages, bytes });
        }
      }
    }
    return {
      conditions: { endpointsPerService: endpoints, namespace: 'its own', betweenSingleChanges: '25 ms' },
      rows,
      samples,
    };
  },
};
