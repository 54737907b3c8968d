import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, systemClock } from '../base/clock.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import { createLogger, silentLogger } from '../base/log.ts';
import {
  createFaultyKernel,
  createFaultyTools,
  createKernel,
  type Fault,
  type Kernel,
  type RunTool,
  runTool,
  type ToolFault,
} from '../kernel/mod.ts';
import { withoutIptables } from '../wire/iptables/testing/without-iptables.ts';
import { createIptablesDataplane } from './dataplane/iptables/mod.ts';
import { createNftablesDataplane } from './dataplane/nftables/mod.ts';
import type { Dataplane } from './dataplane/port.ts';
import { createUserspaceDataplane } from './dataplane/userspace/mod.ts';
import { Synchronizer } from './synchronizer/mod.ts';
import { trafficSettings } from './testing/fake-dataplane.ts';
import { testNamespace } from './testing/namespace.ts';
import { fakeInformers, service, slice } from './testing/objects.ts';
import { Tracker } from './track/mod.ts';

/** Those that speak netlink. */
const dataplanes: Readonly<Record<string, (kernel: Kernel, netns: string) => Dataplane>> = {
  nftables: (kernel, netns) => createNftablesDataplane(kernel, { family: 'IPv4', netns }),
  'iptables on nft': (kernel, netns) => createIptablesDataplane(kernel, { family: 'IPv4', netns, interface: 'nft' }),
};

const codes = ['ENOBUFS', 'EINTR', 'EBUSY', 'ENOENT', 'EPERM'] as const;
const faults: readonly Fault[] = [
  ...codes.flatMap((code) => [{ kind: 'refused', code } as const, { kind: 'lost', code } as const]),
  { kind: 'short' },
];

for (const [name, open] of Object.entries(dataplanes)) {
  for (const fault of faults) {
    const title = `${fault.kind}${fault.code === undefined ? '' : ` with ${fault.code}`}`;
    test(`${name}: each call ${title} once, in turn: the proxy says so and ends in the right state`, async (t) => {
      const netns = testNamespace(t);
      let reached = true;
      const silent: number[] = [];
      for (let failing = 1; reached; failing++) {
        reached = false;
        const kernel = createFaultyKernel(createKernel(), ({ number, kind }) => {
          if (number !== failing || (fault.kind === 'short' && kind === 'open')) return undefined;
          reached = true;
          return fault;
        });
        const logged = await live(
          (attempt) => open(attempt, netns),
          kernel,
          () => open(createKernel(), netns),
        );
        if (reached && fault.code !== undefined && !logged.includes(fault.code)) silent.push(failing);
      }
      // After a notification the nftables dataplane asks whether it was somebody else's; without an answer it asks again.
      assert.ok(silent.length <= (name === 'nftables' ? 2 : 0), `said nothing of calls ${silent.join(', ')}`);
    });
  }
}

/** Those that go through iptables' tools. */
const toolDataplanes: Readonly<Record<string, (run: RunTool, netns: string) => Dataplane>> = {
  'iptables on legacy': (run, netns) =>
    createIptablesDataplane(createKernel(), { family: 'IPv4', netns, interface: 'legacy', runTool: run }),
  userspace: (run, netns) =>
    createUserspaceDataplane({ clock: systemClock, log: silentLogger, family: 'IPv4', netns, runTool: run }),
};

/** With what the log must say of each. */
const toolFaults: Readonly<Record<ToolFault, RegExp>> = {
  exit: /exit code 4: injected/,
  lost: /ended by SIGKILL/,
  half: /exit code 1: injected/,
  deaf: /exit code 3/,
  short: /before COMMIT|line \d+: |is not in it/,
  missing: /is not installed|ENOENT/,
  hanging: /did not end within 0.02 s/,
};

for (const [name, open] of Object.entries(toolDataplanes)) {
  for (const [fault, says] of Object.entries(toolFaults)) {
    test(`${name}: each run of a tool ${fault} once, in turn: the proxy says so and ends in the right state`, {
      skip: withoutIptables,
    }, async (t) => {
      const netns = testNamespace(t);
      let reached = true;
      const silent: number[] = [];
      for (let failing = 1; reached; failing++) {
        reached = false;
        let hasFailed = false;
        let isOver = false;
        const run = createFaultyTools(runTool, ({ number, file }) => {
          if (isOver || number !== failing) return undefined;
          reached = true;
          // Of the output of other tools nothing is read, so that nothing is lost with it.
          hasFailed = fault !== 'short' || file.endsWith('-save');
          return hasFailed ? (fault as ToolFault) : undefined;
        });
        const logged = await live(
          (attempt: RunTool) => open(attempt, netns),
          run,
          () => {
            isOver = true;
            // Another userspace dataplane would relay at other ports.
            return name === 'userspace' ? undefined : open(runTool, netns);
          },
        );
        if (hasFailed && !says.test(logged)) silent.push(failing);
      }
      assert.deepEqual(silent, [], 'runs of which nothing was said');
    });
  }
}

/** A little history, and time for the retries. Checks what the kernel holds then, and returns what was logged. */
async function live<Means>(
  open: (means: Means) => Dataplane,
  means: Means,
  openWitness: () => Dataplane | undefined,
): Promise<string> {
  const logged: string[] = [];
  const log = createLogger({ level: 'debug', now: () => 0, write: (line) => logged.push(line) });
  const { services, slices } = fakeInformers();
  const tracker = new Tracker(services, slices, () => {});
  const clock = new ManualClock();
  const synchronizer = new Synchronizer({
    tracker,
    nodeName: 'node1',
    clock,
    log,
    syncPeriodMs: 30_000,
    onSynced() {},
  });
  let dataplane: Dataplane;
  try {
    dataplane = open(means);
  } catch (error) {
    // The program ends with that message, and whoever keeps it running starts it again.
    logged.push(`${codeOf(error)} ${messageOf(error)}`);
    dataplane = open(means);
  }
  services.put(service('a', '10.96.0.1'));
  services.put(service('b', '10.96.0.2'));
  slices.put(slice('a', ['10.0.0.1', '10.0.0.2']));
  synchronizer.add({ name: 'node1', family: 'IPv4' }, trafficSettings(), dataplane);
  synchronizer.sync();
  slices.put(slice('a', ['10.0.0.2', '10.0.0.3']));
  synchronizer.sync();
  services.delete('default/b');
  slices.put(slice('a', []));
  synchronizer.sync();
  await clock.advance(31_000);
  slices.put(slice('a', ['10.0.0.4']));
  synchronizer.sync();
  await clock.advance(31_000);
  const witness = openWitness() ?? dataplane;
  witness.configure(trafficSettings());
  assert.equal(witness.converge(witness.read(), synchronizer.ports()).messages, 0, logged.join('\n'));
  witness.cleanup();
  // What goes on relaying is the caller's to end.
  await Promise.all(synchronizer.stop().map((relaying) => relaying.end()));
  if (witness !== dataplane) witness.close();
  return logged.join('\n');
}
