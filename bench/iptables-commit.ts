import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Benchmark, percentile } from './harness.ts';
import type { CommitReport, CommitTask } from './programs/commit-node.ts';

const program = path.join(import.meta.dirname, 'programs', 'commit-node.ts');

export const benchmark: Benchmark = {
  name: 'iptables-commit',
  description:
    'One transaction on the nft interface of iptables, by what is in it and by number of Services × 2 endpoints',

  async run({ tiny, progress }) {
    const sizes = tiny ? [10] : [100, 1_000, 5_000, 10_000, 50_000];
    const repetitions = tiny ? 2 : 50;
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const services of sizes) {
      progress(`${services} Services`);
      const report = await runNode({ services, endpoints: 2, repetitions });
      for (const [transaction, us] of Object.entries(report)) {
        samples[`${transaction}, ${services} Services`] = us;
        const [p50Us, p99Us] = [0.5, 0.99].map((share) => Math.round(percentile(us, share)));
        rows.push({ transaction, services, p50Us: p50Us!, p99Us: p99Us! });
      }
    }
    return { conditions: { repetitions, namespace: 'its own', pauseMs: 30 }, rows, samples };
  },
};

async function runNode(task: CommitTask): Promise<CommitReport> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, program, JSON.stringify(task)]);
  return JSON.parse(stdout) as CommitReport;
}
