import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createLogger } from '../../../base/log.ts';
import { isKernelError } from '../../../kernel/errors.ts';
import { createFaultyKernel, createFaultyTools, createKernel, runTool } from '../../../kernel/mod.ts';
import { parseSave, printRule } from '../../../wire/iptables/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { diff } from '../../diff/mod.ts';
import { Ledger } from '../../plan/mod.ts';
import type { PortDraft } from '../../plan/model.ts';
import { drafts } from '../../testing/drafts.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import type { Dataplane } from '../port.ts';
import { createIptablesDataplane } from './mod.ts';
import type { KernelInterface } from './rule-table.ts';

const settings = trafficSettings({ localDetector: { kind: 'source-range', range: '10.0.0.0/9' } });

/** A node of its own, with the tools that its operator has. */
class Node {
  readonly netns: string;
  readonly interface: KernelInterface;
  readonly ledger = new Ledger();
  readonly dataplane: Dataplane;

  constructor(t: TestContext, kind: KernelInterface) {
    this.netns = testNamespace(t);
    this.interface = kind;
    this.dataplane = this.open(t);
  }

  open(t: TestContext, kernel = createKernel()): Dataplane {
    const dataplane = createIptablesDataplane(kernel, { family: 'IPv4', netns: this.netns, interface: this.interface });
    t.after(() => dataplane.close());
    dataplane.configure(settings);
    return dataplane;
  }

  tool(...words: string[]): string {
    return runTool(`iptables-${this.interface}`, words, { netns: this.netns });
  }

  restore(input: string): void {
    runTool(`iptables-${this.interface}-restore`, ['--noflush'], { netns: this.netns, input });
  }

  /** Rules of both tables as `iptables-save` shows them; of the shared chains, whose order is free, sorted. */
  save(): string[] {
    return ['filter', 'nat'].flatMap((name) => {
      const [table] = parseSave(runTool(`iptables-${this.interface}-save`, ['-t', name], { netns: this.netns }));
      const lines = [...(table?.chains ?? [])].flatMap(([chain, { rules }]) => [
        `${name} ${chain}`,
        ...rules.map((rule) => `${name} ${chain} ${printRule(rule)}`),
      ]);
      return lines.sort();
    });
  }

  put(service: number, ...args: Parameters<typeof drafts> extends [number, ...infer Rest] ? Rest : never) {
    return this.update(service, drafts(service, ...args));
  }

  update(service: number, list: readonly PortDraft[]) {
    return diff(this.ledger.update(`default/s${service}`, list));
  }

  converge(dataplane = this.dataplane) {
    return dataplane.converge(dataplane.read(), this.ledger.ports());
  }

  /** That a successor, who knows nothing but the kernel and the plan, finds nothing to do. */
  assertInStep(t: TestContext): void {
    const successor = this.open(t);
    const found = successor.read();
    assert.equal(successor.converge(found, this.ledger.ports()).messages, 0);
  }
}

for (const kind of ['nft', 'legacy'] as const) {
  describe(`Interface ${kind}`, { skip: withoutIptables }, () => {
    test('The kernel holds what was compiled, as the tools show it', (t) => {
      const node = new Node(t, kind);
      for (const [i, endpoints] of [0, 1, 2, 5].entries()) node.put(i, endpoints);
      node.converge();
      const described = parseRules(node.dataplane.describe(node.ledger.ports()));
      const held = node.save().filter((line) => line.includes(' -'));
      assert.deepEqual(held.sort(), described.sort());
    });

    test('A successor adopts the rules and writes nothing; ids and slots go on', (t) => {
      const node = new Node(t, kind);
      for (let i = 0; i < 5; i++) node.put(i, i);
      node.converge();
      const successor = node.open(t);
      const found = successor.read();
      assert.equal(found.exists, true);
      const restarted = new Ledger();
      restarted.beginAdoption(found.groups);
      // Endpoints come in another order than they were in.
      for (let i = 0; i < 5; i++) {
        const [draft] = drafts(i, i);
        const endpoints = [...draft!.cluster!.endpoints].reverse();
        restarted.update(`default/s${i}`, [{ ...draft!, cluster: { endpoints, leftOut: [] } }]);
      }
      restarted.endAdoption();
      assert.equal(successor.converge(found, restarted.ports()).messages, 0);
      assert.equal(successor.mayHaveDrifted(), false);
    });

    test('After any change the kernel holds the whole plan', (t) => {
      const node = new Node(t, kind);
      for (let i = 0; i < 6; i++) node.put(i, 3);
      node.converge();
      const steps = [
        () => node.put(1, 3, { moved: 1 }),
        () => node.put(2, 3, { without: 0 }),
        () => node.put(3, 4),
        () => node.put(4, 0),
        () => node.put(4, 2),
        () => node.update(5, []),
        () => node.put(9, 2),
        () => [...node.put(0, 1), ...node.update(1, []), ...node.put(7, 3)],
        () => node.update(2, [{ ...drafts(2, 3)[0]!, affinitySeconds: 60 }]),
        () => node.update(2, drafts(2, 2)),
      ];
      for (const step of steps) {
        assert.ok(node.dataplane.apply(step()).messages > 0);
        node.assertInStep(t);
      }
    });

    test('Rules of others stay, and so do ours beside them', (t) => {
      const node = new Node(t, kind);
      node.restore('*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\n-A DOCKER -p tcp --dport 8080 -j RETURN\nCOMMIT\n');
      const before = node.save();
      node.put(1, 2);
      node.converge();
      for (const line of before) assert.ok(node.save().includes(line), line);
      node.dataplane.cleanup();
      assert.deepEqual(
        node.save().filter((line) => !/^\w+ [A-Z]+$/.test(line)),
        before.filter((line) => !/^\w+ [A-Z]+$/.test(line)),
      );
    });

    test('cleanup leaves no chain of ours, and is harmless twice', (t) => {
      const node = new Node(t, kind);
      for (let i = 0; i < 4; i++) node.put(i, i);
      node.converge();
      node.dataplane.cleanup();
      node.dataplane.cleanup();
      assert.deepEqual(
        node.save().filter((line) => line.includes('KUBE')),
        [],
      );
    });

    test('cleanup leaves alone what another mode, or kubelet, has at work', (t) => {
      const node = new Node(t, kind);
      node.restore(
        '*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n*nat\n:KUBE-PORTALS-HOST - [0:0]\n-A OUTPUT -j KUBE-PORTALS-HOST\nCOMMIT\n',
      );
      node.restore('*filter\n:KUBE-FIREWALL - [0:0]\n-A INPUT -j KUBE-FIREWALL\nCOMMIT\n');
      node.put(1, 2);
      node.converge();
      node.dataplane.cleanup();
      assert.deepEqual(
        node.save().filter((line) => line.includes('KUBE')),
        [
          'filter INPUT -j KUBE-FIREWALL',
          'filter KUBE-FIREWALL',
          'nat KUBE-PORTALS-HOST',
          'nat OUTPUT -j KUBE-PORTALS-HOST',
        ],
      );
    });

    test('What a vandal did is repaired, whatever it was', (t) => {
      const node = new Node(t, kind);
      for (let i = 0; i < 4; i++) node.put(i, 2);
      node.converge();
      const whole = node.save();
      const chain = /(KUBE-SVC-\w+)/.exec(whole.join('\n'))![1]!;
      const [, endpoint, destination] = /nat (KUBE-SEP-\w+) .*--to-destination ([\d.]+)/.exec(whole.join('\n'))!;
      const toOtherPort = ['-p', 'tcp', '-m', 'tcp', '-j', 'DNAT', '--to-destination', `${destination}:1`];
      const acts = [
        // As many rules as before, and of the same length.
        () => node.tool('-t', 'nat', '-R', endpoint!, '2', ...toOtherPort),
        () => {
          const [, first] = node.tool('-t', 'nat', '-S', chain).split('\n');
          node.restore(`*nat\n${first!.replace('-A', '-D')}\n${first}\nCOMMIT\n`);
        },
        () => node.tool('-t', 'nat', '-D', 'KUBE-SERVICES', '1'),
        () => node.tool('-t', 'nat', '-F', chain),
        () => node.tool('-t', 'nat', '-A', 'KUBE-SERVICES', '-j', 'RETURN'),
        () => node.tool('-t', 'nat', '-I', chain, '-p', 'tcp', '-j', 'RETURN'),
        () => node.tool('-t', 'nat', '-F', 'PREROUTING'),
        () => node.tool('-t', 'nat', '-N', 'KUBE-SVC-AAAAAAAAAAAAAAAA'),
        () => node.tool('-t', 'filter', '-F'),
        () => node.restore('*nat\n:KUBE-MARK-MASQ - [0:0]\nCOMMIT\n'),
        () => runTool(`iptables-${kind}`, ['-t', 'nat', '-F'], { netns: node.netns }),
      ];
      for (const act of acts) {
        assert.equal(node.dataplane.mayHaveDrifted(), false);
        act();
        assert.equal(node.dataplane.mayHaveDrifted(), true, act.toString());
        assert.ok(node.converge().messages > 0);
        assert.deepEqual(node.save(), whole);
        node.assertInStep(t);
      }
    });

    test('Packets, our own changes and a look that finds nothing are no drift', (t) => {
      const node = new Node(t, kind);
      node.put(1, 1);
      node.converge();
      const ping = () => runTool('ping', ['-c', '1', '127.0.0.1'], { netns: node.netns });
      runTool('ip', ['link', 'set', 'lo', 'up'], { netns: node.netns });
      ping();
      assert.match(node.tool('-t', 'filter', '-L', 'INPUT', '-nvx'), /^ *[1-9].*KUBE-/m);
      assert.equal(node.dataplane.mayHaveDrifted(), false);
      node.dataplane.apply(node.put(1, 2));
      ping();
      assert.equal(node.dataplane.mayHaveDrifted(), false);
      node.tool('-t', 'nat', '-A', 'INPUT', '-j', 'ACCEPT');
      assert.equal(node.dataplane.mayHaveDrifted(), true);
      assert.equal(node.converge().messages, 0);
      assert.equal(node.dataplane.mayHaveDrifted(), false);
    });
  });
}

for (const kind of ['nft', 'legacy'] as const) {
  test(`IPv6 on interface ${kind}: the tools show it, a successor writes nothing, a change follows`, {
    skip: withoutIptables,
  }, (t) => {
    const netns = testNamespace(t);
    const open = () => {
      const dataplane = createIptablesDataplane(createKernel(), { family: 'IPv6', netns, interface: kind });
      t.after(() => dataplane.close());
      dataplane.configure(
        trafficSettings({ family: 'IPv6', localDetector: { kind: 'source-range', range: 'fd00:10::/32' } }),
      );
      return dataplane;
    };
    const plan = (...endpoints: string[]): PortDraft => ({
      name: { service: 'default/six', port: 'http', protocol: 'TCP' },
      family: 'IPv6',
      since: '2026-01-01T00:00:00Z',
      frontends: [{ kind: 'cluster-ip', address: 'fd00:96::10', port: 80 }],
      internal: { policy: 'Cluster', verdict: 'forward' },
      affinitySeconds: 60,
      cluster: { endpoints: endpoints.map((address) => ({ address, port: 9376, local: false })), leftOut: [] },
    });
    const ledger = new Ledger();
    ledger.update('default/six', [plan('fd00:10::1', 'fd00:10::2')]);
    const dataplane = open();
    dataplane.converge(dataplane.read(), ledger.ports());
    const successor = open();
    const found = successor.read();
    assert.deepEqual(
      found.groups.get('[fd00:96::10]:80/TCP')?.cluster?.endpoints.map(({ address }) => address),
      ['fd00:10::1', 'fd00:10::2'],
    );
    assert.equal(successor.converge(found, ledger.ports()).messages, 0);
    successor.apply(diff(ledger.update('default/six', [plan('fd00:10::3', 'fd00:10::2')])));
    assert.equal(successor.mayHaveDrifted(), false);
    const shown = runTool(`ip6tables-${kind}-save`, ['-t', 'nat'], { netns });
    runTool(`ip6tables-${kind}`, ['-t', 'nat', '-A', 'KUBE-SERVICES', '-j', 'RETURN'], { netns });
    assert.equal(successor.mayHaveDrifted(), true);
    assert.match(shown, /--to-destination \[fd00:10::3\]:9376/);
    assert.doesNotMatch(shown, /fd00:10::1/);
  });
}

test('nft: a change costs what it changes, in messages, at any number of Services', { skip: withoutIptables }, (t) => {
  for (const services of [3, 60]) {
    const node = new Node(t, 'nft');
    for (let i = 0; i < services; i++) node.put(i, 2);
    node.converge();
    // Begin and end; a chain and two rules for the new endpoint, two messages for the old one's chain, and one rule for another.
    assert.equal(node.dataplane.apply(node.put(1, 2, { moved: 1 })).messages, 9);
    assert.equal(node.dataplane.apply(node.put(1, 2)).messages, 9);
    // One endpoint more: its chain, its two rules and its place among the others.
    assert.equal(node.dataplane.apply(node.put(2, 3)).messages, 6);
  }
});

test('nft: a rule that somebody took away in between fails the change, and the next comparison sets it right', {
  skip: withoutIptables,
}, (t) => {
  const node = new Node(t, 'nft');
  node.put(1, 2);
  node.converge();
  node.dataplane.apply(node.put(1, 2, { moved: 1 }));
  const chain = /(KUBE-SVC-\w+)/.exec(node.save().join('\n'))![1]!;
  node.tool('-t', 'nat', '-F', chain);
  assert.throws(
    () => node.dataplane.apply(node.put(1, 2)),
    (error) => isKernelError(error, 'ENOENT'),
  );
  assert.equal(node.dataplane.mayHaveDrifted(), true);
  node.converge();
  node.assertInStep(t);
});

test('nft: every kernel call that fails leaves something that the next comparison sets right', {
  skip: withoutIptables,
}, (t) => {
  for (const kind of ['refused', 'lost', 'short'] as const) {
    let reached = true;
    for (let call = 1; reached; call++) {
      const node = new Node(t, 'nft');
      for (let i = 0; i < 3; i++) node.put(i, 2);
      reached = false;
      const kernel = createFaultyKernel(createKernel(), ({ number }) => {
        if (number !== call) return undefined;
        reached = true;
        return { kind };
      });
      try {
        const dataplane = node.open(t, kernel);
        node.converge(dataplane);
        dataplane.apply(node.put(1, 2, { moved: 0 }));
        dataplane.mayHaveDrifted();
      } catch (error) {
        assert.ok(isKernelError(error, 'ENOBUFS', 'EIO'), String(error));
      }
      node.converge();
      node.assertInStep(t);
    }
  }
});

test('legacy: an error of the tool names the line that it did not like', { skip: withoutIptables }, (t) => {
  const node = new Node(t, 'legacy');
  const [draft] = drafts(1, 1);
  const endpoints = [{ ...draft!.cluster!.endpoints[0]!, address: 'not-an-address' }];
  node.update(1, [{ ...draft!, cluster: { endpoints, leftOut: [] } }]);
  assert.throws(() => node.converge(), /not-an-address/);
});

test('The interface is chosen by where kubelet, or whoever, keeps rules', { skip: withoutIptables }, (t) => {
  const shows = (netns: string) =>
    (['nft', 'legacy'] as const).filter((kind) =>
      runTool(`iptables-${kind}-save`, [], { netns }).includes('KUBE-SERVICES'),
    );
  const open = (netns: string) => {
    const dataplane = createIptablesDataplane(createKernel(), { family: 'IPv4', netns });
    t.after(() => dataplane.close());
    dataplane.configure(settings);
    dataplane.converge(dataplane.read(), []);
    return shows(netns);
  };
  assert.deepEqual(open(testNamespace(t)), ['nft']);
  const legacyRules = testNamespace(t);
  runTool('iptables-legacy', ['-A', 'INPUT', '-j', 'ACCEPT'], { netns: legacyRules });
  assert.deepEqual(open(legacyRules), ['legacy']);
  const nftHint = testNamespace(t);
  runTool('iptables-legacy', ['-A', 'INPUT', '-j', 'ACCEPT'], { netns: nftHint });
  runTool('iptables-nft', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'], { netns: nftHint });
  assert.deepEqual(open(nftHint), ['nft']);
});

test('Rules of an earlier run that cannot be removed from the other interface are told of, and ours are there', {
  skip: withoutIptables,
}, (t) => {
  const earlier = new Node(t, 'legacy');
  earlier.put(1, 2);
  earlier.converge();
  runTool('iptables-nft', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'], { netns: earlier.netns });
  const logged: string[] = [];
  const dataplane = createIptablesDataplane(createKernel(), {
    family: 'IPv4',
    netns: earlier.netns,
    runTool: createFaultyTools(runTool, ({ file }) => (file.endsWith('-restore') ? 'exit' : undefined)),
    log: createLogger({ level: 'warn', now: () => 0, write: (line) => logged.push(line) }),
  });
  t.after(() => dataplane.close());
  dataplane.configure(settings);
  dataplane.converge(dataplane.read(), earlier.ledger.ports());
  assert.match(logged.join(), /Cannot remove the rules of an earlier run.*exit code 4: injected/);
  assert.match(runTool('iptables-nft-save', [], { netns: earlier.netns }), /KUBE-SVC-/);
});

test('cleanup of a dataplane that chose its interface itself looks into both', { skip: withoutIptables }, (t) => {
  const nodes = (['nft', 'legacy'] as const).map((kind) => new Node(t, kind));
  const [nft, legacy] = nodes as [Node, Node];
  nft.put(1, 2);
  nft.converge();
  const inLegacy = createIptablesDataplane(createKernel(), { family: 'IPv4', netns: nft.netns, interface: 'legacy' });
  t.after(() => inLegacy.close());
  inLegacy.configure(settings);
  inLegacy.converge(inLegacy.read(), legacy.ledger.ports());
  const dataplane = createIptablesDataplane(createKernel(), { family: 'IPv4', netns: nft.netns });
  t.after(() => dataplane.close());
  dataplane.cleanup();
  for (const kind of ['nft', 'legacy']) {
    assert.doesNotMatch(runTool(`iptables-${kind}-save`, [], { netns: nft.netns }), /KUBE/);
  }
});

/** Of `describe`: `filter INPUT -m …`. */
function parseRules(text: string): string[] {
  let table = '';
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    const [, chain, rule] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    return chain === undefined ? [] : [`${table} ${chain} ${rule}`];
  });
}
