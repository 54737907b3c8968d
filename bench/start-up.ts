import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Benchmark } from './harness.ts';

const command = path.join(import.meta.dirname, '..', 'bin', 'signalbox');
const firstAnswerLine = 'first answer through the VIP';

/**
 * The whole command as a person runs it, dependencies installed and the compile cache warm: from its start to the line
 * that says that a connection through the VIP has been answered, and on to the screen.
 */
export const benchmark: Benchmark = {
  name: 'start-up',
  description: 'from `signalbox up` to the first answer through the VIP of the hostnames Service, and to the screen',
  async run({ tiny, progress }) {
    const runs = tiny ? 1 : 7;
    const nodes = 3;
    const samples = { firstAnswerMs: [] as number[], screenMs: [] as number[] };
    for (let run = 1; run <= runs; run++) {
      const { firstAnswerMs, screenMs } = await startOnce(nodes);
      samples.firstAnswerMs.push(firstAnswerMs);
      samples.screenMs.push(screenMs);
      progress(`run ${run} of ${runs}: first answer after ${Math.round(firstAnswerMs)} ms`);
    }
    const rows = samples.firstAnswerMs.map((firstAnswerMs, index) => ({
      run: index + 1,
      firstAnswerMs: Math.round(firstAnswerMs),
      screenMs: Math.round(samples.screenMs[index] ?? 0),
    }));
    return { conditions: { nodes, manifest: 'examples/hostnames.yaml', store: 'sqlite' }, rows, samples };
  },
};

async function startOnce(nodes: number): Promise<{ firstAnswerMs: number; screenMs: number }> {
  const startMs = performance.now();
  const child = spawn(command, ['up', '--name', 'bench-start', '--nodes', String(nodes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const firstAnswerMs = await lineWith(child, firstAnswerLine);
    const screenMs = await lineWith(child, 'Ctrl-C ends the cluster');
    return { firstAnswerMs: firstAnswerMs - startMs, screenMs: screenMs - startMs };
  } finally {
    await end(child);
  }
}

const readers = new WeakMap<ChildProcess, AsyncIterator<string>>();

/** When the next line with this text is printed; rejects when the command ends before. */
async function lineWith(child: ChildProcess, text: string): Promise<number> {
  const reader = readers.get(child) ?? createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  readers.set(child, reader);
  for (;;) {
    const { value, done } = await reader.next();
    if (done) throw new Error(`signalbox up ended before it printed ${JSON.stringify(text)}`);
    if (value.includes(text)) return performance.now();
  }
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGINT');
  });
}
