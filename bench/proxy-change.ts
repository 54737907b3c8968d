import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { createKernel, createNetns, deleteNetns } from '../src/kernel/mod.ts';
import { startProxy } from '../src/proxy/mod.ts';
import { fakeInformers, service, slice } from '../src/proxy/testing/objects.ts';
import { type Benchmark, percentile } from './harness.ts';

const endpointsPerService = 2;

export const benchmark: Benchmark = {
  name: 'proxy-change',
  description: 'One endpoint of one Service replaced, by number of Services: from the watch event to the kernel’s ACK',

  async run({ tiny, progress }) {
    const sizes = tiny ? [10, 20] : [100, 1_000, 10_000, 50_000];
    const changes = tiny ? 20 : 2_000;
    const warmUpChanges = tiny ? 5 : 500;
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, number[]> = {};
    for (const services of sizes) {
      progress(`${services} Services`);
      const { microseconds, messages, bytes } = await measure(services, warmUpChanges, changes);
      samples[`nftables ${services}`] = microseconds;
      rows.push({
        dataplane: 'nftables',
        services,
        p50Us: Math.round(percentile(microseconds, 0.5)),
        p99Us: Math.round(percentile(microseconds, 0.99)),
        messages,
        bytes,
      });
    }
    return { conditions: { endpointsPerService, warmUpChanges, changes, namespace: 'its own' }, rows, samples };
  },
};

/** Time of each change, and what the last one sent. */
async function measure(services: number, warmUpChanges: number, changes: number) {
  const namespace = `t-bench-proxy-change-${process.pid}`;
  const netns = createNetns(namespace);
  try {
    const informers = fakeInformers();
    for (let i = 0; i < services; i++) {
      informers.services.put(service(`s${i}`, vip(i)));
      informers.slices.put(slice(`s${i}`, endpoints(i, 0)));
    }
    informers.services.sync();
    informers.slices.sync();
    const kernel = createKernel();
    const source = { informers };
    const proxy = startProxy({ source, nodeName: 'node1', kernel, clock: systemClock, log: silentLogger, netns });
    await proxy.synced;
    const { counters } = proxy;
    const microseconds: number[] = [];
    let before = { ...counters };
    for (let change = 1; change <= warmUpChanges + changes; change++) {
      before = { ...counters };
      // 7919 is prime: the changes go round all Services in no order that a cache could like.
      const i = (change * 7919) % services;
      const started = performance.now();
      informers.slices.put(slice(`s${i}`, endpoints(i, change)));
      while (counters.syncs === before.syncs) await new Promise(setImmediate);
      if (change > warmUpChanges) microseconds.push((performance.now() - started) * 1000);
    }
    if (counters.failures > 0) throw new Error(`${counters.failures} changes failed`);
    await proxy.stop();
    return {
      microseconds,
      messages: counters.messages - before.messages,
      bytes: counters.bytes - before.bytes,
    };
  } finally {
    deleteNetns(namespace);
  }
}

const vip = (i: number): string => `10.96.${i >> 8}.${i & 255}`;

/** On another node. The first stays, the last has another address after each change. */
function endpoints(i: number, generation: number) {
  return Array.from({ length: endpointsPerService }, (_, slot) => {
    const moved = slot === endpointsPerService - 1 ? generation & 127 : 0;
    return { addresses: [`10.${128 + moved}.${i >> 8}.${(i & 255) ^ (slot << 7)}`], nodeName: 'node2' };
  });
}
