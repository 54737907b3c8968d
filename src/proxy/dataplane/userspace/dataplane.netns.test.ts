import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { withNetns } from '../../../kernel/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { diff } from '../../diff/mod.ts';
import type { Endpoint, Frontend, PortPlan, Route } from '../../plan/mod.ts';
import { type Place, TestNetwork } from '../../testing/network.ts';
import type { Dataplane, TrafficSettings } from '../port.ts';
import { createUserspaceDataplane } from './mod.ts';

let network: TestNetwork;
let dataplane: Dataplane;
let plans: PortPlan[] = [];

const settings: TrafficSettings = {
  family: 'IPv4',
  masqueradeMark: 0x4000,
  masqueradeAll: false,
  randomFully: false,
  localDetector: { kind: 'source-range', range: '10.244.0.0/16' },
  nodePorts: { localhost: false },
  dropInvalid: false,
  serviceRanges: [],
};

const vip: Frontend = { kind: 'cluster-ip', address: '10.96.0.10', port: 80 };
const external: Frontend = { kind: 'external-ip', address: '198.51.100.7', port: 80 };
const balancer: Frontend = { kind: 'load-balancer', address: '203.0.113.5', port: 80 };
const nodePort: Frontend = { kind: 'node-port', port: 30080 };
const node = '172.30.1.1';

const pod = (place: 'pod1' | 'pod2' | 'remote', port = 9376): Endpoint => ({
  address: { pod1: '10.244.1.2', pod2: '10.244.1.3', remote: '10.244.2.2' }[place],
  port,
  local: place !== 'remote',
});

interface PlanOptions extends Partial<Omit<PortPlan, 'name' | 'cluster' | 'local'>> {
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly local?: readonly Endpoint[];
}

function plan(endpoints: readonly Endpoint[], { protocol = 'TCP', local, ...more }: PlanOptions = {}): PortPlan {
  const route: Route = { policy: 'Cluster', verdict: endpoints.length > 0 ? 'forward' : 'reject' };
  return {
    name: { service: 'default/web', port: '', protocol },
    family: 'IPv4',
    since: '2026-01-01T00:00:00Z',
    frontends: [vip, external, nodePort],
    refused: [],
    internal: route,
    external: route,
    cluster: { id: 1, endpoints, leftOut: [] },
    ...(local && { local: { id: 2, endpoints: local, leftOut: [] } }),
    ...more,
  };
}

/** Through `apply`, as a change of what there was. */
function put(...after: PortPlan[]): void {
  const names = new Set([...plans, ...after].map(({ name }) => name.protocol));
  const pairs = [...names].map((protocol) => {
    const [was, is] = [plans, after].map((all) => all.find(({ name }) => name.protocol === protocol));
    return { ...(was && { before: was }), ...(is && { after: is }) };
  });
  dataplane.apply(diff(pairs));
  plans = after;
}

before(async () => {
  if (withoutIptables) return;
  network = new TestNetwork('usr');
  for (const place of ['pod1', 'pod2', 'remote'] as const) {
    for (const protocol of ['TCP', 'UDP'] as const) await network.serve(place, protocol, 9376);
  }
  network.ip('outside', 'route', 'add', 'default', 'via', node);
  dataplane = open();
  dataplane.converge(dataplane.read(), []);
});

after(() => {
  dataplane?.close();
  network?.destroy();
});

function open(): Dataplane {
  const opened = createUserspaceDataplane({
    family: 'IPv4',
    clock: systemClock,
    log: silentLogger,
    netns: network.path('node'),
  });
  opened.configure(settings);
  return opened;
}

const run = (...[program, ...words]: string[]): string =>
  withNetns(network.path('node'), () => execFileSync(program!, words, { encoding: 'utf8' }));

const ask = (place: Place, address: string, port = 80, protocol: 'TCP' | 'UDP' = 'TCP', timeoutMs = 3000) =>
  network.ask(place, protocol, address, port, timeoutMs);

/** Which endpoints answer so many questions, without the address that they see. */
async function names(place: Place, address: string, port: number, protocol: 'TCP' | 'UDP', times: number) {
  const answers: string[] = [];
  for (let i = 0; i < times; i++) answers.push((await ask(place, address, port, protocol)).split(' ')[0]!);
  return answers.sort();
}

for (const protocol of ['TCP', 'UDP'] as const) {
  for (const place of ['pod1', 'remote', 'node', 'outside'] as const) {
    test(`${protocol} from ${place} reaches every endpoint in turn by cluster IP, external IP and node port`, {
      skip: withoutIptables,
    }, async () => {
      put(plan([pod('pod1'), pod('pod2'), pod('remote')], { protocol }));
      const everybody = ['pod1', 'pod2', 'remote'];
      assert.deepEqual(await names(place, vip.address!, 80, protocol, 3), everybody);
      assert.deepEqual(await names(place, external.address!, 80, protocol, 3), everybody);
      assert.deepEqual(await names(place, node, 30080, protocol, 3), everybody);
    });
  }
}

test('A Pod reaches itself, and endpoints see the node', { skip: withoutIptables }, async () => {
  put(plan([pod('pod1')]));
  assert.equal(await ask('pod1', vip.address!), 'pod1 169.254.1.1');
  assert.equal(await ask('pod2', vip.address!), 'pod1 169.254.1.1');
});

test('An endpoint that refuses or is not there is passed over', { skip: withoutIptables }, async () => {
  put(plan([pod('pod1', 1), { address: '10.244.9.9', port: 9376, local: false }, pod('pod2')]));
  assert.deepEqual(await names('remote', vip.address!, 80, 'TCP', 3), ['pod2', 'pod2', 'pod2']);
});

test('Without an endpoint clients are refused at once, whatever the frontend', { skip: withoutIptables }, async () => {
  for (const protocol of ['TCP', 'UDP'] as const) {
    put(plan([], { protocol }));
    for (const place of ['pod1', 'node', 'outside'] as const) {
      for (const [address, port] of [
        [vip.address!, 80],
        [external.address!, 80],
        [node, 30080],
      ] as const) {
        assert.equal(await ask(place, address, port, protocol), 'ECONNREFUSED', `${protocol} ${place} ${address}`);
      }
    }
  }
});

test('Policy Local serves outsiders with local endpoints only, and everybody of the cluster with all', {
  skip: withoutIptables,
}, async () => {
  const local: Route = { policy: 'Local', verdict: 'forward' };
  put(plan([pod('remote')], { external: local, local: [pod('pod1')] }));
  assert.match(await ask('outside', external.address!), /^pod1 /);
  assert.match(await ask('outside', node, 30080), /^pod1 /);
  assert.match(await ask('pod2', external.address!), /^remote /);
  assert.match(await ask('node', external.address!), /^remote /);
  assert.match(await ask('node', node, 30080), /^remote /);
});

test('Policy Local without a local endpoint drops outsiders', { skip: withoutIptables }, async () => {
  put(plan([pod('remote')], { external: { policy: 'Local', verdict: 'drop' }, local: [] }));
  assert.equal(await ask('outside', external.address!, 80, 'TCP', 300), 'timeout');
  assert.equal(await ask('outside', node, 30080, 'TCP', 300), 'timeout');
  assert.match(await ask('pod2', external.address!), /^remote /);
  assert.match(await ask('outside', vip.address!), /^remote /);
});

test('Only clients in the source ranges reach a load balancer’s address', { skip: withoutIptables }, async () => {
  const firewall = { ranges: ['172.30.1.0/24'], admitsNode: false };
  put(plan([pod('pod2')], { frontends: [vip, balancer], firewall }));
  assert.match(await ask('outside', balancer.address!), /^pod2 /);
  assert.equal(await ask('pod1', balancer.address!, 80, 'TCP', 300), 'timeout');
  assert.match(await ask('pod1', vip.address!), /^pod2 /);
});

test('A relay’s own port is nobody’s way in', { skip: withoutIptables }, async () => {
  put(plan([pod('pod2')]));
  const relayPort = Number(/--to-ports (\d+)/.exec(dataplane.describe(plans))![1]);
  for (const place of ['pod1', 'outside', 'node'] as const)
    assert.equal(await ask(place, node, relayPort), 'ECONNREFUSED');
});

test('SCTP is refused, not left to itself', { skip: withoutIptables }, () => {
  put(plan([pod('pod1')], { protocol: 'SCTP' }));
  assert.match(dataplane.describe(plans), /-p sctp .* --dport 80 -j REJECT/);
  assert.doesNotMatch(dataplane.describe(plans), /REDIRECT/);
});

test('Endpoints that change cost no rule; what was written is found again', { skip: withoutIptables }, () => {
  put(plan([pod('pod1')]));
  const moved = plan([pod('pod2')]);
  assert.equal(dataplane.apply(diff([{ before: plans[0]!, after: moved }])).messages, 0);
  plans = [moved];
  assert.equal(dataplane.mayHaveDrifted(), false);
  assert.equal(dataplane.converge(dataplane.read(), plans).messages, 0);
});

/** Takes the first rule of the chain out and appends it. */
const moveFirst = (chain: string): string =>
  `rule=$(iptables -S ${chain} | sed -n 's/^-A //p' | head -1); eval iptables -D $rule; eval iptables -A $rule`;

test('What somebody removes, adds or moves is noticed and repaired', { skip: withoutIptables }, async () => {
  put(plan([pod('pod1')]), plan([pod('pod1')], { protocol: 'UDP' }));
  const vandalism = [
    ['iptables', '-t', 'nat', '-F', 'KUBE-PORTALS-CONTAINER'],
    ['iptables', '-t', 'nat', '-F', 'PREROUTING'],
    ['iptables', '-t', 'nat', '-A', 'KUBE-NODEPORT-HOST', '-j', 'RETURN'],
    ['iptables', '-I', 'INPUT', '-j', 'KUBE-PORTALS-REFUSED'],
    // The first of a port's rules behind its others.
    ['sh', '-c', moveFirst('KUBE-NODEPORT-NON-LOCAL')],
  ];
  for (const words of vandalism) {
    run(...words);
    assert.equal(dataplane.mayHaveDrifted(), true, words.join(' '));
    dataplane.converge(dataplane.read(), plans);
    assert.equal(dataplane.mayHaveDrifted(), false);
    assert.match(await ask('remote', vip.address!), /^pod1 /);
  }
});

test('A successor takes over without a gap, and clean-up leaves other people’s rules alone', {
  skip: withoutIptables,
}, async () => {
  put(plan([pod('pod1')]));
  run('iptables', '-t', 'nat', '-A', 'PREROUTING', '-p', 'icmp', '-j', 'RETURN');
  const successor = open();
  assert.ok(successor.read().exists);
  assert.ok(successor.converge(successor.read(), plans).messages > 0);
  dataplane.close();
  dataplane = successor;
  assert.match(await ask('remote', vip.address!), /^pod1 /);

  dataplane.cleanup();
  assert.equal(dataplane.read().exists, false);
  dataplane.cleanup();
  const left = run('iptables-save');
  assert.doesNotMatch(left, /KUBE-/);
  assert.match(left, /-A PREROUTING -p icmp -j RETURN/);
  plans = [];
});

test('When no more sockets can be had, the rules stay as they are and the error says so', {
  skip: withoutIptables,
}, () => {
  plans = [plan([pod('pod1')])];
  dataplane.converge(dataplane.read(), plans);
  const before = run('iptables-save', '-t', 'nat');
  const descriptors: number[] = [];
  try {
    for (;;) descriptors.push(openSync('/dev/null', 'r'));
  } catch {
    // All are taken now.
  }
  try {
    const more = plan([pod('pod1')], { protocol: 'UDP', frontends: [{ ...vip, port: 81 }] });
    assert.throws(() => dataplane.apply(diff([{ after: more }])), { code: 'EMFILE' });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
  assert.equal(rulesIn(run('iptables-save', '-t', 'nat')), rulesIn(before));
  dataplane.converge(dataplane.read(), plans);
  assert.equal(dataplane.mayHaveDrifted(), false);
});

const rulesIn = (text: string): string => text.replace(/^#.*$/gm, '').replace(/\[\d+:\d+\]/g, '');
