import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import {
  createFaultyKernel,
  createKernel,
  createNetns,
  deleteNetns,
  type Kernel,
  type KernelCall,
} from '../../kernel/mod.ts';
import {
  decodeFlow,
  encodeAddFlow,
  encodeDumpFlows,
  Family as FamilyNumber,
  type Flow,
  FlowStatus,
  IpProtocol,
} from '../../wire/conntrack/mod.ts';
import { decodeAnswer, decodeMessages, MessageBatch } from '../../wire/netlink/mod.ts';
import type { Family, Frontend, PortPlan, StaleFlow } from '../plan/mod.ts';
import { createConntrackCleaner } from './mod.ts';

/** Addresses of both families, each of one machine: everything is on `lo`, and DNAT takes it from VIP to endpoint. */
const world = {
  IPv4: { vip: '10.96.0.10', external: '192.0.2.9', node: '172.30.1.1', pods: ['10.244.1.2', '10.244.1.3'], nft: 'ip' },
  IPv6: {
    vip: 'fd00:96::10',
    external: 'fd00:2::9',
    node: 'fd00:30::1',
    pods: ['fd00:244::2', 'fd00:244::3'],
    nft: 'ip6',
  },
} as const;
const families = Object.keys(world) as Family[];

const clusterIp = (family: Family): Frontend => ({ kind: 'cluster-ip', address: world[family].vip, port: 53 });
const externalIp = (family: Family): Frontend => ({ kind: 'external-ip', address: world[family].external, port: 53 });
const nodePort: Frontend = { kind: 'node-port', port: 30053 };

class Machine {
  readonly netns: string;
  readonly #name: string;

  constructor(t: TestContext) {
    this.#name = `t-usr-${process.pid}-${++Machine.#made}`;
    this.netns = createNetns(this.#name);
    t.after(() => deleteNetns(this.#name));
    this.run('ip', 'link', 'set', 'lo', 'up');
    for (const { vip, external, node, pods } of Object.values(world)) {
      for (const address of [vip, external, node, ...pods]) {
        const bits = address.includes(':') ? '/128' : '/32';
        this.run('ip', 'addr', 'add', `${address}${bits}`, 'dev', 'lo', ...(bits === '/128' ? ['nodad'] : []));
      }
    }
    // A rule about conntrack switches it on, also while nothing is translated.
    this.nft('add table inet on; add chain inet on out { type filter hook output priority 0; ct state new counter; }');
  }
  static #made = 0;

  run(...words: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.#name, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  nft(commands: string): void {
    this.run('nft', commands);
  }

  /** All frontends lead to that Pod, or nowhere. */
  redirect(family: Family, pod: 0 | 1 | undefined): void {
    const { nft, pods, vip, external } = world[family];
    this.nft(`add table ${nft} t; delete table ${nft} t; add table ${nft} t;`);
    if (pod === undefined) return;
    const to = family === 'IPv4' ? `${pods[pod]}:5353` : `[${pods[pod]}]:5353`;
    this.nft(`add chain ${nft} t out { type nat hook output priority -100; }`);
    for (const match of [
      `${nft} daddr ${vip} udp dport 53`,
      `${nft} daddr ${external} udp dport 53`,
      'udp dport 30053',
    ]) {
      this.nft(`add rule ${nft} t out ${match} dnat to ${to}`);
    }
  }

  /** One datagram to each address and port: `10.96.0.10/53`. */
  send(...targets: string[]): void {
    // Nobody listens, and the refusal that the first datagram meets may come before the shell has let go of its socket.
    for (const target of targets) this.run('bash', '-c', `echo hello > /dev/udp/${target} || true`);
  }

  /** What the `conntrack` tool sees of a family's UDP flows: `10.96.0.10:53>10.244.1.2:5353`, sorted. */
  flows(family: Family): string[] {
    const text = this.run('conntrack', '-L', '-p', 'udp', '-f', family.toLowerCase());
    return text
      .split('\n')
      .filter((line) => line.startsWith('udp'))
      .map((line) => {
        const values = [...line.matchAll(/(src|dst|sport|dport)=(\S+)/g)].map(([, , value]) => value);
        return `${values[1]}:${values[3]}>${values[4]}:${values[6]}`;
      })
      .sort();
  }

  /** Flows between strangers, to the ports that the tests use. */
  addUnrelated(family: Family, count: number): void {
    const socket = createKernel().openNetlink('netfilter', { netns: this.netns });
    const protocol = IpProtocol.udp;
    const prefix = family === 'IPv4' ? '10.9.' : 'fd00:9::';
    const dot = family === 'IPv4' ? '.' : ':';
    for (let start = 0; start < count; start += 1000) {
      const batch = new MessageBatch(start + 1);
      for (let i = start; i < Math.min(count, start + 1000); i++) {
        const source = `${prefix}${(i >> 8) & 255}${dot}${i & 255}`;
        const destination = world[family].node;
        const sourcePort = 1024 + (i % 50_000);
        const destinationPort = 2000 + (i % 1000);
        encodeAddFlow(batch, {
          family: FamilyNumber[family === 'IPv4' ? 'ipv4' : 'ipv6'],
          original: { source, destination, protocol, sourcePort, destinationPort },
          reply: {
            source: destination,
            destination: source,
            protocol,
            sourcePort: destinationPort,
            destinationPort: sourcePort,
          },
          status: FlowStatus.confirmed,
          timeoutSeconds: 600,
        });
      }
      batch.acknowledgeLast();
      assert.deepEqual(decodeAnswer(socket.exchange(batch.finish())).errors, []);
    }
    socket.close();
  }

  cleaner(
    t: TestContext,
    kernel: Kernel = createKernel(),
    clock = new ManualClock(),
    onDeleted: (family: Family, count: number) => void = () => {},
  ) {
    const cleaner = createConntrackCleaner(kernel, { clock, log: silentLogger, netns: this.netns, onDeleted });
    t.after(() => cleaner.close());
    return cleaner;
  }
}

/** What is meant by `[vip>pod0]`, of the flows that `sendAll` makes. */
function sendAll(machine: Machine, family: Family): void {
  const { vip, external, node } = world[family];
  machine.send(`${vip}/53`, `${external}/53`, `${node}/30053`);
}

const flowsTo = (family: Family, answerer: (address: string, port: number) => string): string[] => {
  const { vip, external, node } = world[family];
  const flow = (address: string, port: number) => `${address}:${port}>${answerer(address, port)}`;
  return [flow(vip, 53), flow(external, 53), flow(node, 30053)].sort();
};
const toPod = (family: Family, pod: 0 | 1) => flowsTo(family, () => `${world[family].pods[pod]}:5353`);
const untranslated = (family: Family) => flowsTo(family, (address, port) => `${address}:${port}`);

const endpoint = (family: Family, pod: 0 | 1) => ({ address: world[family].pods[pod], port: 5353 });
const stale = (family: Family, to: StaleFlow['endpoint']): StaleFlow[] =>
  [clusterIp(family), externalIp(family), nodePort].map((frontend) => ({
    family,
    protocol: 'UDP',
    frontend,
    endpoint: to,
  }));

for (const family of families) {
  test(`${family}: flows to an endpoint that has gone go, those to the other stay`, (t) => {
    const machine = new Machine(t);
    machine.redirect(family, 0);
    sendAll(machine, family);
    machine.redirect(family, 1);
    sendAll(machine, family);
    assert.deepEqual(machine.flows(family), [...toPod(family, 0), ...toPod(family, 1)].sort());
    const deleted: [string, number][] = [];
    const onDeleted = (of: Family, count: number) => deleted.push([of, count]);
    machine.cleaner(t, createKernel(), new ManualClock(), onDeleted).removeStale(stale(family, endpoint(family, 0)));
    assert.deepEqual(machine.flows(family), toPod(family, 1));
    // By filter all three frontends are one request; IPv6 goes without.
    assert.deepEqual(deleted, family === 'IPv4' ? [[family, 3]] : [0, 1, 2].map(() => [family, 1]));
  });

  test(`${family}: all flows to a frontend that has gone go, other frontends' stay`, (t) => {
    const machine = new Machine(t);
    machine.redirect(family, 0);
    sendAll(machine, family);
    const cleaner = machine.cleaner(t);
    cleaner.removeStale([{ family, protocol: 'UDP', frontend: clusterIp(family), endpoint: 'any' }]);
    assert.deepEqual(
      machine.flows(family),
      toPod(family, 0).filter((flow) => !flow.startsWith(world[family].vip)),
    );
    cleaner.removeStale(stale(family, 'any'));
    assert.deepEqual(machine.flows(family), []);
  });

  test(`${family}: flows from before there was an endpoint go, translated ones stay`, (t) => {
    const machine = new Machine(t);
    sendAll(machine, family);
    machine.redirect(family, 0);
    sendAll(machine, family);
    assert.deepEqual(machine.flows(family), [...untranslated(family), ...toPod(family, 0)].sort());
    machine.cleaner(t).removeStale(stale(family, 'none'));
    assert.deepEqual(machine.flows(family), toPod(family, 0));
  });

  test(`${family}: many endpoints at once cost one list of the frontend's flows`, (t) => {
    const machine = new Machine(t);
    machine.redirect(family, 0);
    sendAll(machine, family);
    machine.addUnrelated(family, 2000);
    const cleaner = machine.cleaner(t);
    const gone = Array.from({ length: 1000 }, (_, i) => ({ ...endpoint(family, 0), port: 5000 + i }));
    cleaner.removeStale(gone.map((one) => ({ family, protocol: 'UDP', frontend: clusterIp(family), endpoint: one })));
    const { messages, bytesRead } = cleaner.takeTraffic();
    assert.equal(messages, 2);
    assert.ok(bytesRead < 1000, `read ${bytesRead} bytes`);
    assert.equal(machine.flows(family).filter((flow) => flow.endsWith(':5353')).length, 2);
  });

  test(`${family}: among 50,000 strangers' flows, one endpoint costs its own flows only`, (t) => {
    const machine = new Machine(t);
    machine.redirect(family, 0);
    sendAll(machine, family);
    machine.addUnrelated(family, 50_000);
    const cleaner = machine.cleaner(t);
    cleaner.removeStale(stale(family, endpoint(family, 0)));
    const { messages, bytesRead } = cleaner.takeTraffic();
    // Three frontends: three deletions between two looks at the counter, or a list each and the deletion of what it found.
    assert.equal(messages, family === 'IPv4' ? 5 : 6);
    assert.ok(bytesRead < 3000, `read ${bytesRead} bytes`);
    assert.equal(machine.run('conntrack', '-C').trim(), '50000');
  });

  test(`${family}: after a time of ignorance only flows to serving endpoints stay`, (t) => {
    const machine = new Machine(t);
    sendAll(machine, family);
    machine.redirect(family, 0);
    sendAll(machine, family);
    machine.redirect(family, 1);
    sendAll(machine, family);
    machine.addUnrelated(family, 100);
    const cleaner = machine.cleaner(t);
    cleaner.removeAllBut([plan(family, [endpoint(family, 1)])]);
    // Untranslated flows to a node port's number may be anybody's.
    const { node } = world[family];
    const kept = [...toPod(family, 1), `${node}:30053>${node}:30053`].sort();
    assert.deepEqual(
      machine.flows(family).filter((flow) => !isUnrelated(flow)),
      kept,
    );
    assert.equal(machine.flows(family).filter(isUnrelated).length, 100);
    cleaner.removeAllBut([plan(family, [])]);
    assert.deepEqual(
      machine.flows(family).filter((flow) => !isUnrelated(flow)),
      [`${node}:30053>${node}:30053`],
    );
  });
}

const isUnrelated = (flow: string): boolean => / ?:2\d\d\d>/.test(flow);

function plan(family: Family, endpoints: readonly { address: string; port: number }[]): PortPlan {
  const verdict = endpoints.length > 0 ? 'forward' : 'reject';
  return {
    name: { service: 'default/dns', port: '', protocol: 'UDP' },
    family,
    since: '2026-01-01T00:00:00Z',
    frontends: [clusterIp(family), externalIp(family), nodePort],
    refused: [],
    internal: { policy: 'Cluster', verdict },
    cluster: { id: 1, endpoints: endpoints.map((one) => ({ ...one, local: true })), leftOut: [] },
  };
}

test('This kernel still compares IPv6 addresses of a filter the wrong way round, or it is time to trust it', (t) => {
  const machine = new Machine(t);
  machine.send(`${world.IPv6.vip}/53`, `${world.IPv6.external}/53`);
  const socket = createKernel().openNetlink('netfilter', { netns: machine.netns });
  const batch = new MessageBatch();
  const original = { destination: world.IPv6.vip, protocol: IpProtocol.udp };
  encodeDumpFlows(batch, { family: FamilyNumber.ipv6, original });
  const found: Flow[] = decodeAnswer(socket.exchange(batch.finish())).messages.map(decodeFlow);
  socket.close();
  const destinations = found.map(({ original }) => original.destination);
  t.diagnostic(destinations.join(' '));
  assert.equal(new Set(destinations).size, 1, `all to one of the two addresses: ${destinations.join(' ')}`);
});

test('A kernel that deletes single flows only gets lists and single deletions', (t) => {
  const machine = new Machine(t);
  machine.redirect('IPv4', 0);
  sendAll(machine, 'IPv4');
  const cleaner = machine.cleaner(t, withoutDeletionByFilter(createKernel()));
  cleaner.removeStale(stale('IPv4', endpoint('IPv4', 0)));
  assert.deepEqual(machine.flows('IPv4'), []);
  cleaner.takeTraffic();
  cleaner.removeStale(stale('IPv4', endpoint('IPv4', 0)));
  assert.equal(cleaner.takeTraffic().messages, 3, 'a list each, and nothing to delete');
});

/** Answers as Linux before 6.8 does: the tuple is not complete. */
function withoutDeletionByFilter(kernel: Kernel): Kernel {
  return {
    openNetlink(protocol, options) {
      const socket = kernel.openNetlink(protocol, options);
      return {
        portId: socket.portId,
        exchange: (request) => socket.exchange(isDeletionByFilter(request) ? withoutSource(request) : request),
        close: () => socket.close(),
      };
    },
  };
}

const isDeletionByFilter = (request: Uint8Array) =>
  decodeMessages(Buffer.from(request)).some(({ type }) => type === 0x102) && request.includes(0x19);

/** CTA_FILTER (25) renamed to an attribute that no kernel knows: what is left is the tuple of a single flow. */
function withoutSource(request: Uint8Array): Uint8Array {
  const bytes = Buffer.from(request);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    if (bytes.readUInt16LE(at + 2) === 0x8019) bytes.writeUInt16LE(0x8000 | 0x3f00, at + 2);
  }
  return bytes;
}

for (const kind of ['refused', 'lost'] as const) {
  test(`A cleaning that fails (${kind}) is tried again, with what has come meanwhile`, async (t) => {
    const machine = new Machine(t);
    machine.redirect('IPv4', 0);
    sendAll(machine, 'IPv4');
    const clock = new ManualClock();
    const fault = ({ number }: KernelCall) => (number === 2 ? { kind } : undefined);
    const cleaner = machine.cleaner(t, createFaultyKernel(createKernel(), fault), clock);
    const [first, ...rest] = stale('IPv4', endpoint('IPv4', 0));
    cleaner.removeStale([first!]);
    cleaner.removeStale(rest);
    assert.ok(machine.flows('IPv4').length >= 2, 'waits');
    await clock.advance(100);
    assert.deepEqual(machine.flows('IPv4'), []);
    assert.equal(clock.pendingTimers, 0);
  });
}

test('Unanswered connections are removed soon, and when that fails, for as long as anybody waits', async (t) => {
  const machine = new Machine(t);
  const clock = new ManualClock();
  let calls = 0;
  const fault = ({ kind }: KernelCall) => {
    if (kind === 'open') return undefined;
    calls += 1;
    return { kind: 'refused' } as const;
  };
  const cleaner = machine.cleaner(t, createFaultyKernel(createKernel(), fault), clock);
  const tcp = stale('IPv4', endpoint('IPv4', 0)).map((flow) => ({ ...flow, protocol: 'TCP' as const }));
  cleaner.removeStale(tcp);
  assert.equal(calls, 0, 'whoever lives may answer yet');
  await clock.advance(500);
  assert.equal(calls, 1, 'three frontends, one walk');
  await clock.advance(130_000);
  assert.equal(calls, 8);
  assert.equal(clock.pendingTimers, 0, 'nobody waits any more');
});
