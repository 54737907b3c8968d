import assert from 'node:assert/strict';
import { giveMemoryBack } from '../../src/base/heap.ts';
import { clusterResponder } from '../../src/dns/testing/cluster-responder.ts';
import { sendMutations } from '../../src/dns/testing/mutations.ts';
import type { Soak } from './harness.ts';

const transports = [
  { kind: 'udp', maxUdpBytes: 1232 },
  { kind: 'udp', maxUdpBytes: 4096 },
  { kind: 'tcp', maxUdpBytes: 1232 },
] as const;

/** What strangers ask for must not stay in memory. */
const mostGrowthMiB = 16;

export const soak: Soak = {
  name: 'dns-mutations',
  description:
    'mutated questions to the rim of cluster DNS: no failure, no answer larger than allowed, no memory that stays',
  rounds: 1_000_000,

  async run({ seed, rounds, progress }) {
    const responder = clusterResponder();
    const totals: Record<string, number> = {};
    const send = async (share: number, firstSeed: number) => {
      for (const [index, transport] of transports.entries()) {
        const name = `${transport.kind} ${transport.maxUdpBytes}`;
        const some = Math.ceil((rounds * share) / transports.length);
        const counts = await sendMutations(responder, {
          ...{ rounds: some, seed: firstSeed + index, transport },
          progress: (round) => progress(`${name}: ${round} of ${some}`),
        });
        for (const [kind, count] of Object.entries(counts)) totals[kind] = (totals[kind] ?? 0) + count;
      }
    };
    await send(0.1, seed);
    const before = heapMiB();
    await send(0.9, seed + transports.length);
    const growthMiB = heapMiB() - before;
    assert.ok(growthMiB < mostGrowthMiB, `the heap has grown by ${growthMiB} MiB`);
    return { ...totals, growthMiB };
  },
};

function heapMiB(): number {
  giveMemoryBack();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
