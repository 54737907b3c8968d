import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UnevaluableError } from './errors.ts';
import { formatTrace, type Packet, trace } from './mod.ts';
import type { NodeState } from './node-state.ts';
import type { Traveller } from './packet.ts';
import type { BaseChain, Hook, Verdict } from './rules.ts';
import { testNode } from './testing/node.ts';
import { outcomeText } from './trace.ts';

const fromPod: Packet = {
  source: '10.244.1.2',
  sourcePort: 40_000,
  destination: '10.96.0.1',
  destinationPort: 80,
  protocol: 'TCP',
  inInterface: 'pod1',
};
const { inInterface: _, ...fromNode } = { ...fromPod, source: '172.30.1.1' };

const accept: Verdict = { kind: 'accept' };

/** A chain that does what the function says, and writes down that it was asked. */
function chain(
  hook: Hook,
  priority: number,
  type: 'filter' | 'nat',
  evaluate: (packet: Traveller) => Verdict = () => accept,
): BaseChain {
  const name = `${hook} ${type} ${priority}`;
  return {
    name,
    hook,
    priority,
    translates: type === 'nat',
    evaluate(packet, { passed }) {
      passed({ table: 'test', chain: name, number: 1, text: '' });
      return evaluate(packet);
    },
  };
}

function run(packet: Packet, chains: readonly BaseChain[], node: NodeState = testNode) {
  const { outcomes } = trace(chains, packet, node);
  assert.equal(outcomes.length, 1);
  const [outcome] = outcomes;
  return {
    end: outcomeText(outcome!),
    asked: outcome!.path.flatMap((step) => (step.kind === 'rule' ? [step.chain] : [])),
  };
}

const redirect = (address: string): Verdict => ({ kind: 'redirect', address, port: 9376 });

describe('The way through the hooks', () => {
  const everywhere = (['prerouting', 'input', 'forward', 'output', 'postrouting'] as const).map((hook) =>
    chain(hook, 0, 'filter'),
  );

  test('A packet that comes in is forwarded, or delivered, by its destination', () => {
    assert.deepEqual(run(fromPod, everywhere), {
      end: '10.96.0.1:80 by eth0',
      asked: ['prerouting filter 0', 'forward filter 0', 'postrouting filter 0'],
    });
    assert.deepEqual(run({ ...fromPod, destination: '172.30.1.1' }, everywhere), {
      end: '172.30.1.1:80 on this node',
      asked: ['prerouting filter 0', 'input filter 0'],
    });
  });

  test('A packet of the node itself leaves, or comes back by lo', () => {
    assert.deepEqual(run(fromNode, everywhere), {
      end: '10.96.0.1:80 by eth0',
      asked: ['output filter 0', 'postrouting filter 0'],
    });
    assert.deepEqual(run({ ...fromNode, destination: '172.30.1.1' }, everywhere), {
      end: '172.30.1.1:80 on this node',
      asked: ['output filter 0', 'postrouting filter 0', 'prerouting filter 0', 'input filter 0'],
    });
  });

  test('Chains have their turn by priority; those that translate at the place of NAT, whatever theirs is', () => {
    const chains = [
      chain('prerouting', -90, 'filter'),
      chain('prerouting', -150, 'nat'),
      chain('prerouting', -110, 'filter'),
      chain('prerouting', -160, 'nat'),
    ];
    assert.deepEqual(run(fromPod, chains).asked, [
      'prerouting filter -110',
      'prerouting nat -160',
      'prerouting nat -150',
      'prerouting filter -90',
    ]);
  });

  test('The destination is translated before the way is chosen, once, and later chains see the new one', () => {
    const seen: string[] = [];
    const chains = [
      chain('prerouting', -100, 'nat', () => redirect('10.244.1.3')),
      chain('prerouting', -50, 'nat', () => redirect('10.244.1.2')),
      chain('forward', 0, 'filter', ({ destination, destinationPort }) => {
        seen.push(`${destination}:${destinationPort}`);
        return accept;
      }),
    ];
    assert.equal(run(fromPod, chains).end, '10.244.1.3:9376 by pod2');
    assert.deepEqual(seen, ['10.244.1.3:9376']);
  });

  test('What the node sends is routed anew when its destination changes, and is not translated again when it is its own', () => {
    const toOther = [chain('output', -100, 'nat', () => redirect('10.244.1.2'))];
    assert.equal(run(fromNode, toOther).end, '10.244.1.2:9376 by pod1');
    const toItself = [
      chain('output', -100, 'nat', () => redirect('172.30.1.1')),
      chain('prerouting', -100, 'nat', () => redirect('10.244.1.2')),
    ];
    assert.equal(run(fromNode, toItself).end, '172.30.1.1:9376 on this node');
  });

  test('Only the first packet of a connection is translated', () => {
    const chains = [chain('prerouting', -100, 'nat', () => redirect('10.244.1.3'))];
    assert.equal(run({ ...fromPod, state: 'ESTABLISHED' }, chains).end, '10.96.0.1:80 by eth0');
    assert.equal(run({ ...fromPod, state: 'INVALID' }, chains).end, '10.96.0.1:80 by eth0');
  });

  test('A masqueraded packet has the address of the interface that it leaves by', () => {
    const masquerade = [chain('postrouting', 100, 'nat', () => ({ kind: 'masquerade', randomFully: true }))];
    assert.equal(run(fromPod, masquerade).end, '10.96.0.1:80 by eth0, masqueraded as 172.30.1.1');
    const toPod = run({ ...fromNode, destination: '10.244.1.2' }, masquerade);
    assert.equal(toPod.end, '10.244.1.2:80 by pod1, masqueraded as 169.254.1.1');
  });

  test('Loopback addresses stay on the node unless it routes them', () => {
    const localhost = { ...fromNode, source: '127.0.0.1', destination: '127.0.0.1' };
    const chains = [chain('output', -100, 'nat', () => redirect('10.244.1.2'))];
    assert.match(run(localhost, chains).end, /^dropped by the kernel: .*route_localnet is off/);
    assert.equal(run(localhost, chains, { ...testNode, routesLoopback: true }).end, '10.244.1.2:9376 by pod1');
    assert.match(run({ ...fromPod, destination: '127.0.0.1' }, []).end, /^dropped by the kernel/);
  });

  test('Nothing is sent where no route leads', () => {
    const nowhere = { ...testNode, routes: [] };
    assert.equal(run(fromPod, [], nowhere).end, 'no route to 10.96.0.1');
    assert.equal(run(fromNode, [chain('output', 0, 'filter')], nowhere).asked.length, 0);
  });
});

test('A verdict ends the way: dropped by whom, rejected with what', () => {
  const drop = chain('forward', 0, 'filter', () => ({ kind: 'drop' }));
  const reject = chain('forward', -1, 'filter', () => ({ kind: 'reject', with: 'tcp-reset' }));
  assert.equal(run(fromPod, [drop]).end, 'dropped by forward filter 0');
  assert.equal(run(fromPod, [drop, reject]).end, 'rejected with tcp-reset');
});

test('What cannot be evaluated is said to be so, with the probability of coming there', () => {
  const unknown: BaseChain = {
    ...chain('forward', 0, 'filter'),
    evaluate(_, { choose }) {
      if (choose(4, () => 1 / 4) === 0) throw new UnevaluableError('quota');
      return accept;
    },
  };
  const { outcomes } = trace([unknown], fromPod, testNode);
  assert.deepEqual(
    outcomes.map((outcome) => [outcome.probability, outcomeText(outcome)]),
    [
      [0.75, '10.96.0.1:80 by eth0'],
      [0.25, 'cannot be evaluated: quota'],
    ],
  );
});

test('The text shows each outcome with its way', () => {
  const chains = [chain('prerouting', -100, 'nat', () => redirect('10.244.1.3'))];
  assert.equal(
    formatTrace(trace(chains, fromPod, testNode)),
    `TCP 10.244.1.2:40000 → 10.96.0.1:80 in by pod1, NEW

100% 10.244.1.3:9376 by pod2
  prerouting test prerouting nat -100 #1: 
  → destination becomes 10.244.1.3:9376
  → routed to pod2
`,
  );
});
