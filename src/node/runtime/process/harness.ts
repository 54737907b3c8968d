import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { createKernel, createNetns, deleteNetns, type Kernel, listNetns, setSysctl } from '../../../kernel/mod.ts';
import { destroyAll } from '../../destroy.ts';
import { BridgeNetwork } from '../../network/bridge-network.ts';
import type { Runtime } from '../port.ts';
import { createProcessRuntime } from './process-runtime.ts';

let count = 0;

/** A network namespace that plays a node, a state directory, and an end to both and to all that runs in them. */
export function createTestNode(t: TestContext) {
  const name = `t-node-${process.pid}-${count++}`;
  const netns = createNetns(name);
  const stateDir = mkdtempSync(path.join(tmpdir(), 't-node-'));
  t.after(async () => {
    await destroyAll(stateDir, systemClock);
    for (const { pid } of markedProcesses(name)) process.kill(pid, 'SIGKILL');
    if (listNetns().includes(name)) deleteNetns(name);
    rmSync(stateDir, { recursive: true, force: true });
  });
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  return { name, netns, stateDir };
}

export type TestNode = ReturnType<typeof createTestNode>;

/** A runtime whose Pods are on the node's bridge, though the test runs in the machine's own namespace. */
export async function createTestRuntime(
  t: TestContext,
  { name, netns, stateDir }: TestNode,
  podCidr = '10.244.1.0/24',
): Promise<{ runtime: Runtime; network: BridgeNetwork }> {
  const network = new BridgeNetwork({
    kernel: kernelIn(netns),
    writeSysctl: (parameter, value) => setSysctl(netns, parameter, value),
    stateDir,
    podCidr,
  });
  network.setUp();
  const clusterId = name;
  const runtime = createProcessRuntime({
    stateDir,
    network,
    clusterId,
    version: 'test',
    clock: systemClock,
    log: silentLogger,
  });
  t.after(async () => {
    await runtime.close();
    network.close();
  });
  await runtime.restore();
  return { runtime, network };
}

const kernelIn = (netns: string): Kernel => {
  const kernel = createKernel();
  return { openNetlink: (protocol, options) => kernel.openNetlink(protocol, { netns, ...options }) };
};

/** Processes that bear the mark of this cluster, ourselves aside. */
export function markedProcesses(clusterId: string): { pid: number; commandLine: string }[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(`SIGNALBOX_CLUSTER=${clusterId}`))
    .map((pid) => ({ pid, commandLine: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter(({ commandLine }) => commandLine !== '');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
