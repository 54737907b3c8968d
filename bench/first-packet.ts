import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { createKernel } from '../src/kernel/mod.ts';
import { startProxy } from '../src/proxy/mod.ts';
import type { Family } from '../src/proxy/plan/mod.ts';
import { TestNetwork } from '../src/proxy/testing/network.ts';
import { fakeInformers, service, slice } from '../src/proxy/testing/objects.ts';
import { type Benchmark, percentile } from './harness.ts';
import { canServe, type DataplaneName, openDataplane } from './programs/dataplanes.ts';
import type { FirstPacketTask } from './programs/first-packet-client.ts';

const server = { address: '10.244.1.2', port: 9376 };

export const benchmark: Benchmark = {
  name: 'first-packet',
  description:
    'A new connection through a VIP, by the Service’s place among many and their number, against a direct one',

  async run({ tiny, wants, progress }) {
    const rounds = tiny ? 20 : 2_000;
    const warmUpRounds = tiny ? 5 : 200;
    const sizes = tiny ? [10] : [1, 100, 1_000, 10_000, 50_000];
    const network = new TestNetwork('bench-first');
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, number[]> = {};
    try {
      await network.serve('pod1', 'TCP', server.port);
      for (const dataplane of ['nftables', 'iptables-nft', 'iptables-legacy', 'userspace'] as const) {
        for (const services of sizes) {
          if (!wants({ dataplane, services }) || !canServe(dataplane, services)) continue;
          progress(`${dataplane}, ${services} Services`);
          const positions = { first: 0, middle: services >> 1, last: services - 1 };
          const stop = await serveServices(dataplane, services, network.path('node'));
          const targets = [server, ...Object.values(positions).map((i) => ({ address: vip(i), port: 80 }))];
          await connectAll(network.path('pod2'), { targets, rounds: warmUpRounds });
          const [direct, ...throughVip] = await connectAll(network.path('pod2'), { targets, rounds });
          await stop();
          for (const [i, position] of Object.keys(positions).entries()) {
            samples[`${dataplane} ${services} ${position}`] = throughVip[i]!;
            rows.push({
              dataplane,
              services,
              position,
              p50Us: microseconds(throughVip[i]!, 0.5),
              p99Us: microseconds(throughVip[i]!, 0.99),
              directP50Us: microseconds(direct!, 0.5),
            });
          }
        }
      }
    } finally {
      network.destroy();
    }
    const way = 'Pod to Pod through a node’s namespace; direct ones pass the same rules';
    const userspace = 'until the node has taken the connection for the relay, which then makes its own to the endpoint';
    return { conditions: { endpointsPerService: 1, warmUpRounds, rounds, way, userspace }, rows, samples };
  },
};

const microseconds = (values: readonly number[], share: number): number =>
  Math.round(percentile(values, share) * 10) / 10;

/** Services whose one endpoint is the server. Returns what takes them out of the kernel again. */
async function serveServices(name: DataplaneName, services: number, netns: string): Promise<() => Promise<void>> {
  const informers = fakeInformers();
  const endpoints = [{ addresses: [server.address], nodeName: 'node1' }];
  for (let i = 0; i < services; i++) {
    informers.services.put(service(`s${i}`, vip(i)));
    informers.slices.put(slice(`s${i}`, endpoints, { ports: [{ name: '', protocol: 'TCP', port: server.port }] }));
  }
  informers.services.sync();
  informers.slices.sync();
  const kernel = createKernel();
  const createDataplane = (family: Family) => openDataplane(name, kernel, family, netns);
  const proxy = startProxy({
    source: { informers },
    nodeName: 'node1',
    kernel,
    clock: systemClock,
    log: silentLogger,
    netns,
    clusterCidr: '10.244.0.0/16',
    createDataplane,
  });
  await proxy.synced;
  return async () => {
    await proxy.stop();
    const dataplane = createDataplane('IPv4');
    dataplane.cleanup();
    dataplane.close();
  };
}

const vip = (i: number): string => `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;

/** Samples by target. */
async function connectAll(netns: string, task: FirstPacketTask): Promise<number[][]> {
  const words = [`--net=${netns}`, process.execPath, program, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)('nsenter', words, { maxBuffer: 64 << 20 });
  return JSON.parse(stdout) as number[][];
}

const program = path.join(import.meta.dirname, 'programs/first-packet-client.ts');
