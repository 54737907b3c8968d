import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createApiServer } from '../../apiserver/mod.ts';
import { ManualClock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { type Client, createClient, createInformer, isNotFound } from '../../client/mod.ts';
import { Lease, Node } from '../../kube/mod.ts';
import { createMemoryStore } from '../../store/mod.ts';
import { osImageOf } from './node-facts.ts';
import { Registration } from './registration.ts';

async function setUp(t: TestContext) {
  const clock = new ManualClock();
  const server = await createApiServer({
    store: createMemoryStore(),
    clock,
    log: silentLogger,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
    advertiseAddress: '192.0.2.1',
    advertisePort: 6443,
  });
  t.after(() => server.stop());
  let down = false;
  const client = createClient({
    exchange: (request) => (down ? Promise.reject(new Error('connection refused')) : server.exchange(request)),
    userAgent: 'test',
  });
  return {
    clock,
    client,
    setDown(value: boolean) {
      down = value;
    },
    start: (holder = 'agent-1', podCidr = '10.244.1.0/24') => startAgent(t, client, clock, holder, podCidr),
    async settle() {
      for (let turn = 0; turn < 20; turn++) await clock.advance(0);
    },
  };
}

function startAgent(t: TestContext, client: Client, clock: ManualClock, holder: string, podCidr: string) {
  const nodes = createInformer({ client, clock, log: silentLogger, resource: Node });
  nodes.start();
  const registration = new Registration({
    client,
    clock,
    log: silentLogger,
    nodes,
    node: {
      name: 'node1',
      address: '192.0.2.11',
      podCidr,
      runtime: 'process://1',
      agentVersion: 'v1.36.0',
      maxPods: 110,
      facts: {
        cpu: 2,
        memoryBytes: 4096 * 1024,
        kernelVersion: '6.1.0',
        osImage: 'Debian',
        architecture: 'amd64',
        machineId: 'm',
        bootId: 'b',
      },
    },
    holder,
    leaseDurationSeconds: 40,
  });
  const stop = async () => {
    registration.stop();
    await nodes.stop();
  };
  t.after(stop);
  const registered = registration.register();
  registered.catch(() => {});
  return { registered, stop };
}

const leaseOf = async (client: Client) => (await client.get(Lease, 'node1', { namespace: 'kube-node-lease' })).spec;
const readyOf = async (client: Client) =>
  (await client.get(Node, 'node1')).status?.conditions?.find(({ type }) => type === 'Ready')?.status;

test('A node registers with what the control plane and kubectl want to know', async (t) => {
  const { client, start } = await setUp(t);
  await start().registered;
  const { metadata, spec, status } = await client.get(Node, 'node1');
  assert.deepEqual(metadata.labels, {
    'kubernetes.io/hostname': 'node1',
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  });
  assert.partialDeepStrictEqual(spec, { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] });
  assert.deepEqual(status?.addresses, [
    { type: 'InternalIP', address: '192.0.2.11' },
    { type: 'Hostname', address: 'node1' },
  ]);
  assert.deepEqual(status?.allocatable, { cpu: '2', memory: '4Mi', pods: '110' });
  assert.equal(status?.nodeInfo?.containerRuntimeVersion, 'process://1');
  assert.equal(await readyOf(client), 'True');
  assert.equal((await leaseOf(client)).holderIdentity, 'agent-1');
});

test('The Lease is renewed every ten seconds', async (t) => {
  const { client, clock, start, settle } = await setUp(t);
  await start().registered;
  const first = (await leaseOf(client)).renewTime;
  await clock.advance(9_999);
  assert.equal((await leaseOf(client)).renewTime, first);
  await clock.advance(1);
  await settle();
  const { renewTime, acquireTime } = await leaseOf(client);
  assert.equal(Date.parse(renewTime!) - Date.parse(first!), 10_000);
  assert.equal(acquireTime, first);
});

test('A name that a live agent bears is refused by name, and free when that agent has been silent', async (t) => {
  const { client, clock, start } = await setUp(t);
  const first = start();
  await first.registered;
  await clock.advance(15_000);
  await assert.rejects(start('agent-2').registered, (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(
      error.message,
      /^Register node "node1": the name is taken by a live agent, agent-1, which renewed its Lease 5 s ago$/,
    );
    return true;
  });
  assert.equal((await leaseOf(client)).holderIdentity, 'agent-1');
  await first.stop();
  await clock.advance(40_000);
  await start('agent-2').registered;
  assert.equal((await leaseOf(client)).holderIdentity, 'agent-2');
});

test('The same agent comes back at once', async (t) => {
  const { client, clock, start } = await setUp(t);
  const first = start();
  await first.registered;
  await first.stop();
  await clock.advance(1000);
  await start().registered;
  assert.equal((await leaseOf(client)).holderIdentity, 'agent-1');
});

test('Another Pod range than the Node has is refused', async (t) => {
  const { start } = await setUp(t);
  const first = start();
  await first.registered;
  await first.stop();
  await assert.rejects(
    start('agent-1', '10.244.9.0/24').registered,
    /Register node "node1": its Pod range was given as 10\.244\.9\.0\/24, but the Node has podCIDR 10\.244\.1\.0\/24/,
  );
});

test('A Pod range that another Node has is refused with that node’s name', async (t) => {
  const { client, start } = await setUp(t);
  await client.create(Node, { metadata: { name: 'node2' }, spec: { podCIDR: '10.244.0.0/16' } });
  await assert.rejects(
    start().registered,
    /^UsageError: Register node "node1": its Pod range 10\.244\.1\.0\/24 overlaps 10\.244\.0\.0\/16 of node "node2"$/,
  );
  await assert.rejects(client.get(Node, 'node1'), isNotFound);
});

test('A node that was called NotReady says at once that it is not', async (t) => {
  const { client, start, settle } = await setUp(t);
  await start().registered;
  await settle();
  const node = await client.get(Node, 'node1');
  await settle();
  assert.equal((await client.get(Node, 'node1')).metadata.resourceVersion, node.metadata.resourceVersion);
  const conditions = node.status!.conditions!.map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'Unknown' as const, reason: 'NodeStatusUnknown' } : condition,
  );
  const foreign = { type: 'NetworkUnavailable', status: 'False' as const };
  await client.updateStatus(Node, { ...node, status: { ...node.status, conditions: [...conditions, foreign] } });
  await settle();
  assert.equal(await readyOf(client), 'True');
  const after = (await client.get(Node, 'node1')).status?.conditions ?? [];
  assert.ok(after.some(({ type }) => type === 'NetworkUnavailable'));
});

test('A Node that is deleted under its agent is made again', async (t) => {
  const { client, start, settle } = await setUp(t);
  await start().registered;
  await settle();
  await client.delete(Node, 'node1');
  await settle();
  assert.equal(await readyOf(client), 'True');
});

test('An API server that is not there yet is waited for, and one that goes away is returned to', async (t) => {
  const { client, clock, start, settle, setDown } = await setUp(t);
  setDown(true);
  const { registered } = start();
  await clock.advance(5000);
  setDown(false);
  await assert.rejects(client.get(Node, 'node1'), isNotFound);
  await clock.advance(2000);
  await settle();
  await registered;
  setDown(true);
  await clock.advance(60_000);
  setDown(false);
  await clock.advance(2000);
  await settle();
  const age = clock.now() - Date.parse((await leaseOf(client)).renewTime!);
  assert.ok(age <= 2000, `renewed ${age} ms ago`);
});

test('os-release is read as its manual says', () => {
  assert.equal(osImageOf('NAME=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'), 'Debian GNU/Linux 12 (bookworm)');
  assert.equal(osImageOf('PRETTY_NAME=Plain\n'), 'Plain');
  assert.equal(osImageOf(''), 'Linux');
});
