import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { OperatingError } from '../base/errors.ts';
import { clusterVariable } from '../node/mod.ts';
import type { Attempt, Resolution } from './programs/traffic.ts';

export type { Attempt, Resolution };

/** Whose namespaces a client runs in: a Pod's by its first process, a machine's by its network namespace. */
export type Place = ({ readonly pid: number } | { readonly netns: string }) & {
  /** Of the cluster, whose mark the client bears. */
  readonly stateDir: string;
};

const program = path.join(import.meta.dirname, 'programs', 'traffic.ts');

/** Makes `count` new connections, some at a time, and tells what became of each. */
export async function sendRequests(place: Place, url: string, count: number, concurrency = 10): Promise<Attempt[]> {
  return collect<Attempt>(place, ['requests', String(count), String(concurrency), url]);
}

/** Resolves names as the C library does there: search list, ndots, /etc/hosts. */
export async function resolveNames(place: Place, names: readonly string[]): Promise<Resolution[]> {
  return collect<Resolution>(place, ['resolve', ...names]);
}

/** A new connection every few milliseconds, until `stop`. */
export interface TrafficStream {
  /** Everything so far. */
  readonly attempts: readonly Attempt[];
  /** Resolves when so many connections have been answered from now on. */
  answered(count: number): Promise<void>;
  stop(): Promise<readonly Attempt[]>;
}

export function startStream(place: Place, url: string, intervalMs: number): TrafficStream {
  const child = start(place, ['stream', String(intervalMs), url]);
  const attempts: Attempt[] = [];
  const listeners = new Set<(attempt: Attempt) => void>();
  const ended = readLines<Attempt>(child, (attempt) => {
    attempts.push(attempt);
    for (const take of listeners) take(attempt);
  });
  ended.catch(() => {});
  return {
    attempts,
    answered(count) {
      let left = count;
      const enough = new Promise<void>((resolve) => {
        const take = (attempt: Attempt) => {
          if (attempt.answer !== undefined) left--;
          if (left > 0) return;
          listeners.delete(take);
          resolve();
        };
        listeners.add(take);
      });
      return Promise.race([enough, ended]);
    },
    async stop() {
      child.stdin?.end();
      await ended;
      return attempts;
    },
  };
}

async function collect<Line>(place: Place, words: readonly string[]): Promise<Line[]> {
  const lines: Line[] = [];
  await readLines<Line>(start(place, words), (line) => lines.push(line));
  return lines;
}

function start(place: Place, words: readonly string[]): ChildProcess {
  const into = 'pid' in place ? ['--target', String(place.pid), '--net', '--mount', '--uts'] : [`--net=${place.netns}`];
  return spawn(
    'nsenter',
    [...into, '--', process.execPath, '--disable-warning=ExperimentalWarning', program, ...words],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, [clusterVariable]: place.stateDir },
    },
  );
}

/** Resolves when the client has ended well; rejects with what it wrote to standard error. */
function readLines<Line>(child: ChildProcess, onLine: (line: Line) => void): Promise<void> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', (line) => onLine(JSON.parse(line)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      const state = `${signal ?? `exit code ${code}`}${errors === '' ? '' : `: ${errors.trim()}`}`;
      reject(new OperatingError('Run a client in a namespace', 'failed', state));
    });
  });
}
