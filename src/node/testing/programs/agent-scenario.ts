/**
 * Runs inside a network namespace that plays a node (agent.netns.test.ts makes it): an API server here, the agent as
 * `signalbox node` in a process of its own, and real Pods. Ends with 0 when all of it held.
 *
 * Arguments: a folder to work in, the agent's state directory, the cluster's mark, the node's address.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApiServer, ensurePki, requestSigner, serveHttps } from '../../../apiserver/mod.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { publishClusterInfo } from '../../../cli/cluster-info.ts';
import { caCertHash } from '../../../cli/join-discovery.ts';
import { createClient, isNotFound } from '../../../client/mod.ts';
import { startControllers } from '../../../controllers/mod.ts';
import { CertificateSigningRequest, EndpointSlice, Endpoints, Node, Pod, Secret, Service } from '../../../kube/mod.ts';
import { createMemoryStore } from '../../../store/mod.ts';
import { sandboxProcess } from '../../mod.ts';
import { markedProcesses } from '../../runtime/process/harness.ts';

const [folder, stateDir, clusterId, address] = process.argv.slice(2) as [string, string, string, string];
const clock = systemClock;
const log = silentLogger;

const serviceCidr = '10.96.0.0/16';
const pki = await ensurePki({ dir: path.join(folder, 'pki'), addresses: [address], serviceCidr, clock });
const server = `https://${address}:6443`;
const apiServer = await createApiServer({
  store: createMemoryStore(),
  clock,
  log,
  serviceCidr,
  nodePortRange: '30000-32767',
  advertiseAddress: address,
  advertisePort: 6443,
  mountsTokens: true,
});
const https = await serveHttps(apiServer, { address, port: 6443, pki, clock, log });
const client = createClient({ exchange: apiServer.exchange, userAgent: 'scenario' });
const graceMs = 4000;
const controllers = startControllers({
  ...{ client, clock, log, nodeLifecycle: { graceMs } },
  requestSigner: requestSigner(pki, clock),
  rootCaPem: pki.caPem,
});

// What the machine is given so that it can join.
const token = 'abcdef.0123456789abcdef';
await publishClusterInfo(client, server, pki.caPem);
await client.create(Secret, {
  metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
  type: 'bootstrap.kubernetes.io/token',
  stringData: {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  },
});

function startAgent(): ChildProcess {
  const output = openSync(path.join(folder, 'agent.log'), 'a');
  const words = [
    'node',
    `--join=${server}`,
    `--token=${token}`,
    `--ca-cert-hash=${caCertHash(pki.caPem)}`,
    '--name=node1',
    `--address=${address}`,
    '--pod-cidr=10.244.1.0/24',
    `--state-dir=${stateDir}`,
    `--cluster-id=${clusterId}`,
    `--lease-duration=${graceMs}ms`,
  ];
  const entry = path.join(import.meta.dirname, '..', '..', '..', 'main.ts');
  const env = { ...process.env, SIGNALBOX_CLUSTER: clusterId };
  return spawn(process.execPath, [entry, ...words], { stdio: ['ignore', output, output], env });
}

async function until<Value>(what: string, look: () => Promise<Value | undefined | false>): Promise<Value> {
  const limitMs = clock.monotonicMs() + 20_000;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (clock.monotonicMs() > limitMs) {
      throw new Error(`${what}: not within 20 s\n${readFileSync(path.join(folder, 'agent.log'), 'utf8')}`);
    }
    await delay(10);
  }
}

const find = (name: string) =>
  client.get(Pod, name, { namespace: 'default' }).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
const isReady = (pod: Pod | undefined) =>
  pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? pod : undefined;
const readyPod = (name: string) => until(`Pod ${name} is ready`, async () => isReady(await find(name)));
const create = (name: string, container: object, more: object = {}) =>
  client.create(Pod, {
    metadata: { name, namespace: 'default' },
    spec: { nodeName: 'node1', containers: [{ name: 'main', image: 'none', ...container }], ...more },
  });
const remove = async (name: string) => {
  await client.delete(Pod, name, { namespace: 'default' });
  await until(`Pod ${name} is gone`, async () => (await find(name)) === undefined);
};

function ask(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port: 9376, agent: false }, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    });
    request.on('error', reject);
  });
}

let agent = startAgent();
try {
  await until('node1 is registered', () => client.get(Node, 'node1').catch(() => undefined));

  // The built-in program, found by its image; ready means that it answers.
  await create('hostnames', { image: 'k8s.gcr.io/serve_hostname' });
  const hostnames = await readyPod('hostnames');
  assert.equal(await ask(hostnames.status!.podIP!), 'hostnames');

  // It has joined with its token, and is known by a certificate of its own since.
  const { items: requests } = await client.list(CertificateSigningRequest);
  assert.deepEqual(
    requests.map(({ spec }) => spec.username),
    ['system:bootstrap:abcdef'],
  );

  // A Pod has what it needs to ask the API, in files.
  const access = '/var/run/secrets/kubernetes.io/serviceaccount';
  const files = `test -s ${access}/token && test -s ${access}/ca.crt && test "$(cat ${access}/namespace)" = default`;
  await create('asker', {
    command: ['sleep', 'infinity'],
    readinessProbe: { exec: { command: ['sh', '-c', files] }, periodSeconds: 1 },
  });
  await readyPod('asker');
  await remove('asker');

  // Probes by network and in the container's namespaces.
  const flag = path.join(folder, 'flag');
  const probe = (handler: object) => ({ ...handler, periodSeconds: 1, failureThreshold: 1 });
  await create('probed', {
    image: 'registry.k8s.io/serve_hostname',
    ports: [{ name: 'http', containerPort: 9376 }],
    startupProbe: { ...probe({ tcpSocket: { port: 'http' } }), failureThreshold: 30 },
    livenessProbe: probe({ httpGet: { path: '/', port: 'http' } }),
    readinessProbe: probe({ exec: { command: ['sh', '-c', `test ! -e ${flag} && test "$(uname -n)" = probed`] } }),
  });
  await readyPod('probed');
  writeFileSync(flag, '');
  await until('Pod probed is not ready', async () => !isReady(await find('probed')));
  execFileSync('rm', [flag]);
  assert.equal((await readyPod('probed')).status?.containerStatuses?.[0]?.restartCount, 0);

  // kill -9 of the agent: Pods run on, the next agent adopts them as they are.
  const sandbox = sandboxProcess(stateDir, 'default', 'hostnames');
  assert.ok(sandbox !== undefined);
  agent.kill('SIGKILL');
  await once(agent, 'exit');
  assert.equal(await ask(hostnames.status!.podIP!), 'hostnames');
  const before = await find('probed');
  agent = startAgent();
  await create('later', { command: ['sleep', 'infinity'] });
  await readyPod('later');
  assert.equal(sandboxProcess(stateDir, 'default', 'hostnames'), sandbox);
  assert.equal((await find('probed'))?.metadata.resourceVersion, before?.metadata.resourceVersion);

  // An agent that stays away: the node is NotReady when its time is over, and its Pods are out of all endpoints. Back
  // again, it says itself how things are: the readiness of one of the Pods has changed meanwhile.
  await client.create(Service, {
    metadata: { name: 'hostnames', namespace: 'default' },
    spec: { selector: { app: 'hostnames' }, ports: [{ port: 80, targetPort: 9376 }] },
  });
  for (const name of ['hostnames', 'probed']) {
    const body = { metadata: { labels: { app: 'hostnames' } } };
    await client.patch(Pod, name, { type: 'merge', body }, { namespace: 'default' });
  }
  const ready = async () => {
    const { subsets = [] } = await client.get(Endpoints, 'hostnames', { namespace: 'default' });
    const slices = await client.list(EndpointSlice, { labelSelector: 'kubernetes.io/service-name=hostnames' });
    const inSlices = slices.items.flatMap(({ endpoints }) => endpoints).filter((each) => each.conditions?.ready);
    return [subsets.flatMap(({ addresses = [] }) => addresses).length, inSlices.length].join(' ');
  };
  const nodeReady = async () =>
    (await client.get(Node, 'node1')).status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  await until('both Pods are endpoints', async () => (await ready().catch(() => '')) === '2 2');
  agent.kill('SIGKILL');
  await once(agent, 'exit');
  await until('node1 is NotReady', async () => (await nodeReady()) === 'Unknown');
  await until('no Pod of it is an endpoint', async () => (await ready()) === '0 0');
  assert.equal(await ask(hostnames.status!.podIP!), 'hostnames');
  writeFileSync(flag, '');
  agent = startAgent();
  await until('node1 is Ready again', async () => (await nodeReady()) === 'True');
  await until('the Pod that is well is an endpoint again', async () => (await ready()) === '1 1');
  assert.equal(isReady(await find('probed')), undefined);
  execFileSync('rm', [flag]);
  await until('the other one is, too', async () => (await ready()) === '2 2');
  await client.delete(Service, 'hostnames', { namespace: 'default' });

  // A program that takes no notice of SIGTERM gets SIGKILL; one that does may finish.
  const grace = { terminationGracePeriodSeconds: 1 };
  await create('stubborn', { command: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] }, grace);
  await readyPod('stubborn');
  await remove('stubborn');
  const farewell = path.join(folder, 'farewell');
  await create('polite', {
    command: ['sh', '-c', `trap 'echo bye >${farewell}; exit 0' TERM; echo up; while :; do sleep 0.01; done`],
    readinessProbe: probe({ exec: { command: ['true'] } }),
    lifecycle: { preStop: { exec: { command: ['sleep', '0.1'] } } },
  });
  await readyPod('polite');
  await remove('polite');
  assert.equal(readFileSync(farewell, 'utf8'), 'bye\n');

  // Everything that was deleted is gone from the machine; an address is not given out again soon.
  const used = [hostnames, await readyPod('probed'), await readyPod('later')].map(({ status }) => status?.podIP);
  await Promise.all(['hostnames', 'probed', 'later'].map(remove));
  await until('all processes of the Pods are gone', async () => markedProcesses(clusterId).length === 1);
  const links: { ifname: string }[] = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' }));
  assert.deepEqual(
    links.map(({ ifname }) => ifname),
    ['lo', 'fabric', 'cbr0'],
  );
  await create('next', { command: ['sleep', 'infinity'] });
  assert.ok(!used.includes((await readyPod('next')).status?.podIP));

  // Other nodes' Pods are reached by way of their nodes, as long as they are there.
  await client.create(Node, {
    metadata: { name: 'node2' },
    spec: { podCIDR: '10.244.2.0/24' },
    status: { addresses: [{ type: 'InternalIP', address: '198.51.100.2' }] },
  });
  const route = () => execFileSync('ip', ['-4', 'route', 'show', '10.244.2.0/24'], { encoding: 'utf8' }).trim();
  await until('there is a route to node2', async () => route().startsWith('10.244.2.0/24 via 198.51.100.2'));
  await client.delete(Node, 'node2');
  await until('the route to node2 is gone', async () => route() === '');

  // A second agent of the same name is refused in one line.
  const twin = spawn(process.execPath, [...agent.spawnargs.slice(1), `--state-dir=${folder}/twin`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SIGNALBOX_CLUSTER: clusterId },
  });
  let complaint = '';
  twin.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const [code] = await once(twin, 'close');
  assert.equal(code, 2);
  assert.match(complaint, /^error: Register node "node1": the name is taken by a live agent/m);
} finally {
  agent.kill('SIGKILL');
}
await controllers.stop();
await apiServer.stop();
await https.close();
process.exit(0);
