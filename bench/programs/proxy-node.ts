/**
 * One node's proxy as a process of its own, so that its memory can be told: loads a cluster, then makes changes.
 * usage: node proxy-node.ts '{"dataplane":"iptables-nft","services":1000,"endpoints":2,"change":"endpoint","warmUp":10,"changes":100}'
 */
import { setTimeout } from 'node:timers/promises';
import koffi from 'koffi';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createKernel, createNetns, deleteNetns, type Kernel, type NetlinkSocket } from '../../src/kernel/mod.ts';
import { startProxy } from '../../src/proxy/mod.ts';
import { fakeInformers, service, slice } from '../../src/proxy/testing/objects.ts';
import { type DataplaneName, openDataplane } from './dataplanes.ts';

/**
 * `endpoint`: one endpoint of one Service replaced, when nothing else happens. `service`: one Service more, likewise.
 * `churn`: endpoints replaced at the pace of one Service in a hundred a second.
 */
export type ChangeKind = 'endpoint' | 'service' | 'churn';

export interface ProxyNodeTask {
  readonly dataplane: DataplaneName;
  readonly services: number;
  /** Of each Service. */
  readonly endpoints: number;
  readonly change: ChangeKind;
  /** Changes before those that count, one right after the other: what a proxy has seen that has run for a while. */
  readonly warmUp: number;
  readonly changes: number;
}

export interface ProxyNodeReport {
  /** From a full watch cache to the last Service working. */
  readonly coldMs: number;
  /** Of it: in netlink calls, and the processor time of tools that were run. */
  readonly kernelMs: number;
  /** The largest process of each, this one and the tools that it ran. */
  readonly peakRssMiB: number;
  readonly changeUs: readonly number[];
  /** Of the last change. */
  readonly messages: number;
  readonly bytes: number;
}

/** Long enough for the kernel to be done with what the change before removed (an RCU grace period). */
const quietMs = 25;

/** As the EndpointSlice controller makes them. */
const endpointsPerSlice = 100;

const task = JSON.parse(process.argv[2]!) as ProxyNodeTask;
const namespace = `t-bench-proxy-${process.pid}`;
const netns = createNetns(namespace);
try {
  console.log(JSON.stringify(await run(task)));
} finally {
  deleteNetns(namespace);
}

async function run({
  dataplane,
  services,
  endpoints,
  change,
  warmUp,
  changes,
}: ProxyNodeTask): Promise<ProxyNodeReport> {
  const { informers, addService, removeService, replaceEndpoint } = cluster(endpoints);
  for (let i = 0; i < services; i++) addService(i);
  informers.services.sync();
  informers.slices.sync();
  const { kernel, spent } = timed(createKernel());
  const started = performance.now();
  const proxy = startProxy({
    source: { informers },
    nodeName: 'node1',
    kernel,
    clock: systemClock,
    log: silentLogger,
    netns,
    clusterCidr: '10.128.0.0/9',
    createDataplane: (family) => openDataplane(dataplane, kernel, family, netns),
  });
  await proxy.synced;
  const coldMs = performance.now() - started;
  const kernelMs = spent() + toolUsage().processorMs;
  const peakRssMiB = (process.resourceUsage().maxRSS + toolUsage().peakRssKiB) / 1024;
  const { counters } = proxy;
  const changeUs: number[] = [];
  let before = { ...counters };
  const applied = async (start: () => void) => {
    before = { ...counters };
    start();
    while (counters.syncs === before.syncs) await new Promise(setImmediate);
  };
  // 7919 is prime: the changes go round all Services in no order that a cache could like.
  const replaceNext = (count: number) => replaceEndpoint((count * 7919) % services, count);
  for (let count = 1; count <= warmUp; count++) {
    if (change !== 'service') await applied(() => replaceNext(count));
    else await applied(() => (count % 2 === 1 ? addService(services) : removeService(services)));
  }
  const start = (count: number) => (change === 'service' ? addService(services + count) : replaceNext(warmUp + count));
  const intervalMs = change === 'churn' ? 100_000 / services : quietMs;
  for (let count = 1, dueMs = performance.now(); count <= changes; ) {
    // A single change falls due some time after the one before is done, churn whether it is done or not.
    dueMs = (change === 'churn' ? dueMs : performance.now()) + intervalMs;
    await setTimeout(Math.max(0, dueMs - performance.now()));
    const due: number[] = [];
    await applied(() => {
      do {
        // A timer may fire up to a millisecond early: the change begins then, and not when it was due.
        due.push(
          Math.min(performance.now(), change === 'churn' ? dueMs + due.length * intervalMs : Number.POSITIVE_INFINITY),
        );
        start(count);
        count += 1;
      } while (change === 'churn' && count <= changes && dueMs + due.length * intervalMs <= performance.now());
    });
    dueMs += (due.length - 1) * intervalMs;
    for (const at of due) changeUs.push((performance.now() - at) * 1000);
  }
  if (counters.failures > 0) throw new Error(`${counters.failures} changes failed`);
  await proxy.stop();
  const [messages, bytes] = [counters.messages - before.messages, counters.bytes - before.bytes];
  return { coldMs, kernelMs, peakRssMiB, changeUs, messages, bytes };
}

function cluster(endpoints: number) {
  const informers = fakeInformers();
  const slices = Math.ceil(endpoints / endpointsPerSlice);
  const putSlice = (i: number, number: number, generation: number) => {
    const first = number * endpointsPerSlice;
    const count = Math.min(endpointsPerSlice, endpoints - first);
    const own = Array.from({ length: count }, (_, n) => endpointOf(i, first + n, endpoints, generation));
    informers.slices.put(slice(`s${i}`, own, { name: `s${i}-${number}` }));
  };
  return {
    informers,
    addService(i: number): void {
      for (let number = 0; number < slices; number++) putSlice(i, number, 0);
      informers.services.put(service(`s${i}`, vip(i)));
    },
    removeService(i: number): void {
      informers.services.delete(`default/s${i}`);
      for (let number = 0; number < slices; number++) informers.slices.delete(`default/s${i}-${number}`);
    },
    replaceEndpoint: (i: number, generation: number): void => putSlice(i, slices - 1, generation),
  };
}

function vip(i: number): string {
  return `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
}

/** On another node. All stay but the last, which has another address after each change. */
function endpointOf(i: number, slot: number, count: number, generation: number) {
  const moved = slot === count - 1 && generation > 0 ? 1 + (generation % 30) : 0;
  const address =
    count > 2 ? `10.${160 + moved}.${slot >> 8}.${slot & 255}` : `10.${128 + 32 * slot + moved}.${i >> 8}.${i & 255}`;
  return { addresses: [address], nodeName: 'node2' };
}

/** A kernel that counts the milliseconds that are spent in it. */
function timed(real: Kernel): { readonly kernel: Kernel; spent(): number } {
  let spentMs = 0;
  const socket = (inner: NetlinkSocket): NetlinkSocket => ({
    portId: inner.portId,
    exchange(request) {
      const started = performance.now();
      try {
        return inner.exchange(request);
      } finally {
        spentMs += performance.now() - started;
      }
    },
    close: () => inner.close(),
  });
  return { kernel: { ...real, openNetlink: (...args) => socket(real.openNetlink(...args)) }, spent: () => spentMs };
}

/** getrusage(2) of children that have ended: Node.js tells only its own. */
function toolUsage(): { readonly processorMs: number; readonly peakRssKiB: number } {
  const usage = Buffer.alloc(144);
  const RUSAGE_CHILDREN = -1;
  koffi.load('libc.so.6').func('int getrusage(int who, _Out_ uint8_t *usage)')(RUSAGE_CHILDREN, usage);
  const seconds = (at: number) => Number(usage.readBigInt64LE(at)) + Number(usage.readBigInt64LE(at + 8)) / 1e6;
  return { processorMs: (seconds(0) + seconds(16)) * 1000, peakRssKiB: Number(usage.readBigInt64LE(32)) };
}
