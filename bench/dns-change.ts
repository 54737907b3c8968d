import { moving } from './dns/objects.ts';
import { DnsSite, nextLine } from './dns/site.ts';
import { type Benchmark, percentile } from './harness.ts';
import type { DnsAskerTask } from './programs/dns-asker.ts';

const sizes = [1_000, 10_000, 30_000, 100_000];
/** For the just-in-time compiler, here and in the processes. */
const warmUp = 100;

export const benchmark: Benchmark = {
  name: 'dns-change',
  description:
    'An endpoint becomes ready: from the write to the API server until the first answer with its address, by number of Services',

  async run({ tiny, progress }) {
    const changes = tiny ? 5 : 1_000;
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const records of tiny ? [100] : sizes) {
      progress(`${records} Services: listing`);
      await using site = await DnsSite.open(records);
      progress(`${records} Services: ${changes} changes`);
      const microseconds = await measure(site, tiny ? 1 : warmUp, changes);
      samples[String(records)] = microseconds;
      rows.push({ records, ...figures(microseconds) });
    }
    const conditions = { changes, warmUp, client: 'one, whose questions follow each other', endpoints: '1, headless' };
    return { conditions, rows, samples };
  },
};

const figures = (microseconds: readonly number[]) => ({
  p50Us: Math.round(percentile(microseconds, 0.5)),
  p99Us: Math.round(percentile(microseconds, 0.99)),
  p999Us: Math.round(percentile(microseconds, 0.999)),
  maxUs: Math.round(percentile(microseconds, 1)),
});

/** The write and its commit are in it: the event leaves the API server somewhere after them. */
async function measure(site: DnsSite, warmUpChanges: number, changes: number): Promise<number[]> {
  const task: DnsAskerTask = { name: `${moving.name}.${moving.namespace}.svc.cluster.local`, server: site.address };
  const { child, lines } = site.runProgram('dns-asker.ts', task);
  const microseconds: number[] = [];
  for (let change = 1; change <= warmUpChanges + changes; change++) {
    const address = `10.201.${change >> 8}.${change & 255}`;
    child.stdin!.write(`${address}\n`);
    const writtenAt = await site.move(address);
    const answeredAt = BigInt(await nextLine(lines));
    if (change > warmUpChanges) microseconds.push(Number(answeredAt - writtenAt) / 1_000);
  }
  return microseconds;
}
