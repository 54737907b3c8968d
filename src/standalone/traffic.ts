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

/** The same every few milliseconds, until `stop`. */
export interface TrafficStream<Line = Attempt> {
  /** Everything so far. */
  readonly attempts: readonly Line[];
  /** Resolves when so many have been answered from now on. */
  answered(count: number): Promise<void>;
  stop(): Promise<readonly Line[]>;
}

/** A new connection every few milliseconds. */
export const startStream = (place: Place, url: string, intervalMs: number): TrafficStream =>
  stream<Attempt>(place, ['stream', String(intervalMs), url], ({ answer }) => answer !== undefined);

/** A name looked up every few milliseconds, in turn. */
export const startLookups = (place: Place, names: readonly string[], intervalMs: number): TrafficStream<Resolution> =>
  stream<Resolution>(place, ['names', String(intervalMs), ...names], ({ addresses }) => addresses !== undefined);

function stream<Line>(
  place: Place,
  words: readonly string[],
  isAnswered: (line: Line) => boolean,
): TrafficStream<Line> {
  const child = start(place, words);
  const attempts: Line[] = [];
  const listeners = new Set<(attempt: Line) => void>();
  const ended = readLines<Line>(child, (attempt) => {
    attempts.push(attempt);
    for (const take of listeners) take(attempt);
  });
  ended.catch(() => {});
  return {
    attempts,
    answered(count) {
      let left = count;
      const enough = new Promise<void>((resolve) => {
        const take = (attempt: Line) => {
          if (isAnswered(attempt)) left--;
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
      // Lookups wait in threads: one that takes seconds must not hold up those behind it.
      env: { ...process.env, UV_THREADPOOL_SIZE: '64', [clusterVariable]: place.stateDir },
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
