import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Clock, sleep, systemClock } from '../src/base/clock.ts';
import { OperatingError } from '../src/base/errors.ts';
import { createKernel } from '../src/kernel/mod.ts';
import { type Benchmark, percentile } from './harness.ts';
import { type BenchmarkCluster, startCluster } from './ready-to-connect/cluster.ts';
import { Connector } from './ready-to-connect/connector.ts';
import { servicePort } from './ready-to-connect/objects.ts';
import { Observer, type Passage } from './ready-to-connect/observer.ts';
import { orAborted, Site } from './ready-to-connect/site.ts';

/**
 * The road of "this Pod is Ready", from the node agent's request until a client connects: real processes on one
 * machine, `signalbox server` with its store on disk, `signalbox proxy` in the namespace of a node, and a client there.
 * Every process stamps what it does itself, by the machine's one monotonic clock. The hops add up to the total:
 *
 * - write: the agent hands its PUT to its HTTP/2 session → the API server has it from the store that the new Pod is
 *   durable. The request through TLS, its checks, the commit with its fsync.
 * - controller: → the same for the EndpointSlice. The Pod's event inside the server, the controller's decision, its
 *   write, checked as any other, with another fsync, which the write to the Endpoints object mostly shares.
 * - proxy: → the proxy has the kernel's acknowledgement. The watch event through TLS, plan, diff, one transaction.
 * - connect: → connect(2) has returned to the client, the handshake with the endpoint done. The handshake, and the
 *   client's polling: on average half of what passes from one try to the next. Negative where the client was through
 *   before the proxy had read the kernel's answer.
 *
 * What measuring adds: two log lines of the server on the road (it runs at debug level; 0.01 to 0.02 ms each), and the
 * client's turns on one of the cores, which cost the rest nothing that could be measured: with a try every 5 ms
 * instead of every 0.2 ms, the first three hops were the same.
 */
export const benchmark: Benchmark = {
  name: 'ready-to-connect',
  description: 'from the write that makes a Pod Ready until a new connection through the VIP lands on it, hop by hop',
  async run({ tiny, progress }) {
    const sizes = tiny ? { warmUp: 1, changes: 5 } : { warmUp: 20, changes: 200 };
    const clock = systemClock;
    await using site = await Site.open(createKernel(), clock);
    const observer = new Observer();
    await using cluster = await startCluster(site, clock, observer);
    const connector = new Connector(site, cluster.vip, servicePort, pauseMs);
    const road = { site, clock, observer, cluster, connector };
    progress(`a server, a proxy and a client on ${site.layout.fabric.subnet}.0/24; ${sizes.warmUp} changes to warm up`);
    const samples: Sample[] = [];
    const before = coreTimes();
    for (let change = -sizes.warmUp; change < sizes.changes; change++) {
      const sample = await changeOnce(road, change);
      if (change >= 0) samples.push(sample);
      if (change % 50 === 0) progress(`change ${change} of ${sizes.changes}: ${format(durations(sample).total)} ms`);
    }
    await everyConnectionArrived(road, sizes.warmUp + sizes.changes);
    return {
      conditions: { ...sizes, ...conditionsOf(site, samples), cores: busyText(before, coreTimes()) },
      rows: rowsOf(samples),
      samples: Object.fromEntries(columns.map((name) => [`${name}Ms`, samples.map((each) => durations(each)[name])])),
    };
  },
};

/** Between two tries of the client. */
const pauseMs = 0.2;
const longestChangeMs = 10_000;

interface Road {
  readonly site: Site;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly cluster: BenchmarkCluster;
  readonly connector: Connector;
}

interface Sample extends Passage {
  readonly sentMs: number;
  readonly refusedMs: number;
  readonly triedMs: number;
  readonly landedMs: number;
  readonly cpuShare: number;
}

/** Not ready → ready, measured → not ready. */
async function changeOnce(road: Road, number: number): Promise<Sample> {
  const { site, clock, observer, cluster, connector } = road;
  const tooLate = AbortSignal.timeout(longestChangeMs);
  const signal = AbortSignal.any([site.signal, tooLate]);
  try {
    const attempts = connector.try();
    await orAborted(attempts.refused, signal);
    // The cluster comes to rest, and the change meets the client's tries and the machine's ticks anywhere.
    await sleep(clock, 10 + 20 * Math.random());
    const sentMs = clock.monotonicMs();
    const passed = Promise.all([observer.expect(sentMs), attempts.landed, cluster.setReady(true)]);
    const [passage, landing] = await orAborted(passed, signal);
    const sample = { ...passage, ...landing, sentMs };
    await sleep(clock, 10);
    const undone = Promise.all([observer.expect(clock.monotonicMs()), cluster.setReady(false)]);
    await orAborted(undone, signal);
    return sample;
  } catch (error) {
    if (!tooLate.aborted || site.signal.aborted) throw error;
    throw new OperatingError(`Wait for change ${number}`, 'timeout', `seen of it so far: ${observer.seen}`);
  }
}

/** None was answered by somebody else, or by nobody. The endpoint may take its time to accept what has landed. */
async function everyConnectionArrived({ cluster, clock }: Road, count: number): Promise<void> {
  for (let waits = 0; cluster.accepted() < count && waits < 100; waits++) await sleep(clock, 10);
  if (cluster.accepted() === count) return;
  throw new OperatingError('Count connections', 'lost', `${count} landed, the endpoint has ${cluster.accepted()}`);
}

const hops = ['write', 'controller', 'proxy', 'connect'] as const;
const columns = ['total', ...hops, 'proxyWork', 'clientGap'] as const;

function durations(sample: Sample): Record<(typeof columns)[number], number> {
  const { sentMs, podStoredMs, sliceStoredMs, programmedMs, workedMs, refusedMs, triedMs, landedMs } = sample;
  return {
    total: landedMs - sentMs,
    write: podStoredMs - sentMs,
    controller: sliceStoredMs - podStoredMs,
    proxy: programmedMs - sliceStoredMs,
    connect: landedMs - programmedMs,
    proxyWork: workedMs,
    clientGap: triedMs - refusedMs,
  };
}

/** A hop's share is its part of all the time that all changes took. */
function rowsOf(samples: readonly Sample[]) {
  const all = samples.map(durations);
  const sum = (name: (typeof columns)[number]) => all.reduce((total, each) => total + each[name], 0);
  return (['total', ...hops] as const).map((hop) => {
    const values = all.map((each) => each[hop]);
    return {
      hop,
      p50Ms: rounded(percentile(values, 0.5)),
      p99Ms: rounded(percentile(values, 0.99)),
      maxMs: rounded(Math.max(...values)),
      sharePercent: rounded((100 * sum(hop)) / sum('total')),
    };
  });
}

function conditionsOf(site: Site, samples: readonly Sample[]): Record<string, string | number> {
  const all = samples.map(durations);
  const middle = (values: readonly number[]) => format(percentile(values, 0.5));
  const fsyncs = measureFsync(site.layout.stateDir);
  const work = all.map(({ proxyWork }) => proxyWork);
  const gap = middle(all.map(({ clientGap }) => clientGap));
  const cpu = middle(samples.map(({ cpuShare }) => 100 * cpuShare));
  return {
    nodes: 1,
    services: 2,
    store: `sqlite, WAL, synchronous=FULL, on ${fileSystemOf(site.layout.stateDir)}`,
    fdatasync: `${format(percentile(fsyncs, 0.5))} ms p50, ${format(percentile(fsyncs, 0.99))} ms p99 of 4 KiB there`,
    processes: 'server, proxy, client, and this one as agent and endpoint',
    client: `tries every ${gap} ms, which is what polling adds at the most, for ${cpu} % of a core`,
    proxyItself: `${middle(work)} ms p50, ${format(percentile(work, 0.99))} ms p99 of the proxy hop`,
  };
}

interface CoreTimes {
  readonly idleMs: number;
  readonly totalMs: number;
}

/** All cores together, since boot. */
function coreTimes(): CoreTimes {
  const times = os.cpus().map((cpu) => cpu.times);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { idleMs: sum(times.map(({ idle }) => idle)), totalMs: sum(times.flatMap((each) => Object.values(each))) };
}

/** The benchmark itself takes about a fifth of two cores; what is beyond that is somebody else's and lengthens the tail. */
function busyText(before: CoreTimes, after: CoreTimes): string {
  const busyShare = 1 - (after.idleMs - before.idleMs) / (after.totalMs - before.totalMs);
  return `${Math.round(100 * busyShare)} % busy during the run, the benchmark included`;
}

/** What the disk alone costs; there are two on the road. */
function measureFsync(directory: string): number[] {
  const file = openSync(path.join(directory, 'fdatasync'), 'w');
  const page = Buffer.alloc(4096, 1);
  try {
    return Array.from({ length: 100 }, () => {
      writeSync(file, page);
      const startMs = systemClock.monotonicMs();
      fdatasyncSync(file);
      return systemClock.monotonicMs() - startMs;
    });
  } finally {
    closeSync(file);
  }
}

/** include/uapi/linux/magic.h */
const fileSystems: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
};

function fileSystemOf(directory: string): string {
  const { type } = statfsSync(directory);
  return fileSystems[type] ?? `file system 0x${type.toString(16)}`;
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const format = (value: number): string => value.toFixed(2);
