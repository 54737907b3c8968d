import { type Benchmark, percentile } from './harness.ts';
import { canServe, type DataplaneName } from './programs/dataplanes.ts';
import { runProxyNode } from './programs/run-proxy-node.ts';

const dataplanes: readonly DataplaneName[] = ['nftables', 'iptables-nft', 'iptables-legacy', 'userspace'];

export const benchmark: Benchmark = {
  name: 'proxy-cold',
  description:
    'An empty kernel and a full watch cache, by number of Services and endpoints: until the last Service works',

  async run({ tiny, wants, progress }) {
    const sizes: readonly (readonly [services: number, endpoints: number])[] = tiny
      ? [[10, 2]]
      : [
          [100, 2],
          [1_000, 2],
          [5_000, 2],
          [10_000, 2],
          [50_000, 2],
          [1_000, 250],
          [1, 10_000],
        ];
    const runs = tiny ? 1 : 3;
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const dataplane of dataplanes) {
      for (const [services, endpoints] of sizes) {
        if (!wants({ dataplane, services, endpoints }) || !canServe(dataplane, services)) continue;
        progress(`${dataplane}, ${services} Services × ${endpoints} endpoints`);
        const task = { dataplane, services, endpoints, change: 'endpoint', warmUp: 0, changes: 0 } as const;
        const reports = [];
        for (let run = 0; run < runs; run++) reports.push(await runProxyNode(task));
        const coldMs = reports.map((report) => report.coldMs);
        samples[`${dataplane} ${services} × ${endpoints}`] = coldMs;
        const median = (values: readonly number[]) => Math.round(percentile(values, 0.5));
        rows.push({
          dataplane,
          services,
          endpoints,
          p50Ms: median(coldMs),
          kernelMs: median(reports.map((report) => report.kernelMs)),
          peakRssMiB: median(reports.map((report) => report.peakRssMiB)),
        });
      }
    }
    return { conditions: { runs, namespace: 'its own', process: 'one for each run' }, rows, samples };
  },
};
