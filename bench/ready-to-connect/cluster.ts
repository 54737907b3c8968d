import { createServer, type Server } from 'node:net';
import type { Clock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { kubernetesVersion } from '../../src/base/version.ts';
import { type Client, createClient, createInformer, http2Exchange, loadKubeconfig } from '../../src/client/mod.ts';
import { withNetns } from '../../src/kernel/mod.ts';
import { EndpointSlice, Node, Pod, Service } from '../../src/kube/mod.ts';
import { readNodeFacts } from '../../src/node/registration/node-facts.ts';
import { Registration } from '../../src/node/registration/registration.ts';
import { clusterDefaults } from '../../src/standalone/layout.ts';
import { until } from '../../src/standalone/wait.ts';
import { namespace, podObject, podPort, podStatus, serviceName, serviceObject } from './objects.ts';
import { orAborted, type Site } from './site.ts';

const debugLog = ['--log-level=debug', '--log-format=json'];

/** Far more than any part of the start takes: one that does not come fails the benchmark. */
const longestStepMs = 30_000;

/** What the processes say of a change on its way; times are readings of the machine's monotonic clock. */
export interface Sightings {
  /** The API server has learned that the commit which wrote these keys is durable. */
  onStored(keys: readonly string[], atMs: number): void;
  /** The proxy has the kernel's acknowledgement of a transaction, and has worked on it for so long. */
  onProgrammed(atMs: number, workedMs: number): void;
}

export interface BenchmarkCluster extends AsyncDisposable {
  readonly vip: string;
  /** PUT on the Pod's status, as a node agent does after a probe; resolves with the answer. */
  setReady(ready: boolean): Promise<void>;
  /** Connections that the endpoint has accepted. */
  accepted(): number;
}

/**
 * A control plane, a node with its proxy, and a Service with one endpoint, which is not ready. All of them are what
 * they are in any cluster, but the node's agent: that is this process, on the host, over HTTPS, so that it can tell
 * when it learned and said what. The endpoint is a socket of this process in the Pod's namespace.
 */
export async function startCluster(site: Site, clock: Clock, sightings: Sightings): Promise<BenchmarkCluster> {
  const { layout, node, pod: place } = site;
  await using starting = new AsyncDisposableStack();
  startServer(site, sightings);
  await serverAnswers(site, clock);
  const client = starting.adopt(connect(layout.adminKubeconfig, clock), (open) => open.close());
  const endpoint = starting.use(new Endpoint(place.netns));
  starting.defer(await registerNode(site, client, clock));
  const { spec } = await client.create(Service, serviceObject);
  let pod = await client.create(Pod, podObject(node.name));
  const setReady = async (ready: boolean) => {
    const status = podStatus(ready, place.address, node.address, clock.now());
    pod = await client.updateStatus(Pod, { ...pod, status });
  };
  await setReady(false);
  await sliceIsThere(site, client, clock);
  await startProxy(site, sightings);
  const running = starting.move();
  return {
    vip: spec.clusterIP ?? '',
    setReady,
    accepted: () => endpoint.accepted,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function startServer(site: Site, sightings: Sightings): void {
  const { control, stateDir } = site.layout;
  const words = [
    'server',
    `--data-dir=${stateDir}`,
    `--listen-address=${control.address}`,
    `--advertise-address=${control.address}`,
    `--port=${clusterDefaults.apiPort}`,
    `--service-cidr=${clusterDefaults.serviceCidr}`,
    ...debugLog,
  ];
  site.runCommand('server', control.namespace, words, (line) => {
    const parsed = parseLogLine(line);
    if (parsed?.message === 'Committed') sightings.onStored(parsed.keys, parsed.committedMs);
  });
}

async function serverAnswers({ layout, signal }: Site, clock: Clock): Promise<void> {
  await until(
    clock,
    'the API server answers',
    async () => {
      const { exchange, close } = http2Exchange({ ...loadKubeconfig(layout.adminKubeconfig), clock });
      const { status } = await exchange({ method: 'GET', url: '/readyz', headers: {}, signal }).finally(close);
      return status === 200;
    },
    { signal },
  );
}

const connect = (kubeconfig: string, clock: Clock): Client =>
  createClient({ ...http2Exchange({ ...loadKubeconfig(kubeconfig), clock }), userAgent: 'signalbox-bench' });

/** Accepts and closes. The socket stays in the namespace in which it was opened. */
class Endpoint implements Disposable {
  accepted = 0;
  readonly #server: Server;

  constructor(netns: string) {
    this.#server = createServer((socket) => {
      this.accepted++;
      socket.on('error', () => {}).destroy();
    });
    // Without an address, listen(2) is called before this returns.
    withNetns(netns, () => void this.#server.listen(podPort));
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** With the agent's own code: the Node object, and its Lease renewed every 10 s. Returns what ends it. */
async function registerNode({ node, signal }: Site, client: Client, clock: Clock): Promise<() => Promise<void>> {
  const nodes = createInformer({ client, clock, log: silentLogger, resource: Node });
  nodes.start();
  const registration = new Registration({
    ...{ client, clock, nodes, log: silentLogger },
    node: {
      name: node.name,
      address: node.address,
      podCidr: node.podCidr,
      runtime: 'bench://1',
      agentVersion: kubernetesVersion.gitVersion,
      maxPods: 110,
      facts: readNodeFacts(),
    },
    holder: node.name,
    leaseDurationSeconds: 40,
  });
  const stop = async () => {
    registration.stop();
    await nodes.stop();
  };
  try {
    await orAborted(registration.register(), AbortSignal.any([signal, AbortSignal.timeout(longestStepMs)]));
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The endpoint is in it, and is not ready. */
async function sliceIsThere({ pod, signal }: Site, client: Client, clock: Clock): Promise<void> {
  const labelSelector = `kubernetes.io/service-name=${serviceName}`;
  await until(
    clock,
    'the slice has the endpoint',
    async () => {
      const { items } = await client.list(EndpointSlice, { namespace, labelSelector, signal });
      return items.some(({ endpoints }) => endpoints.some(({ addresses }) => addresses.includes(pod.address)));
    },
    { signal },
  );
}

/** Resolves when the kernel of the node knows the Service: its VIP refuses connections from then on. */
async function startProxy(site: Site, sightings: Sightings): Promise<void> {
  const { layout, node, signal } = site;
  const inStep = Promise.withResolvers<void>();
  const words = [
    'proxy',
    `--kubeconfig=${layout.adminKubeconfig}`,
    `--hostname-override=${node.name}`,
    `--cluster-cidr=${clusterDefaults.clusterCidr}`,
    ...debugLog,
  ];
  site.runCommand('proxy', node.namespace, words, (line) => {
    const parsed = parseLogLine(line);
    if (parsed?.message === 'Brought the kernel in step') inStep.resolve();
    if (parsed?.message === 'Synced services') sightings.onProgrammed(parsed.committedMs, parsed.microseconds / 1000);
  });
  await orAborted(inStep.promise, AbortSignal.any([signal, AbortSignal.timeout(longestStepMs)]));
}

/** The fields of the lines that are looked for. */
interface LogLine {
  readonly message: string;
  readonly keys: readonly string[];
  readonly microseconds: number;
  readonly committedMs: number;
}

/** A line that is not JSON (a crash, a warning of Node's) is shown when the process ends. */
function parseLogLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
