import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureKubeconfig, ensurePki } from '../apiserver/mod.ts';
import type { Clock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { version } from '../base/version.ts';
import {
  type Client,
  createClient,
  createInformer,
  http2Exchange,
  type Informer,
  loadKubeconfig,
} from '../client/mod.ts';
import { type DnsServer, startDns } from '../dns/mod.ts';
import { type Kernel, NetworkAdmin, netnsPath } from '../kernel/mod.ts';
import { Pod } from '../kube/mod.ts';
import { applyManifests } from './apply.ts';
import { removeCluster } from './cleanup.ts';
import { buildFabric, reserveSubnet } from './fabric.ts';
import { type ClusterLayout, clusterDefaults, layoutOf, type NodeLayout } from './layout.ts';
import { claim, demandNoNamesake, demandNoOwner } from './owner.ts';
import { ownProgram } from './programs.ts';
import type { Progress } from './progress.ts';
import { type Supervised, supervise } from './supervisor.ts';
import { systemManifests } from './system.ts';
import { keepSystemPods } from './system-keeper.ts';
import { until } from './wait.ts';

export interface ClusterOptions {
  readonly name: string;
  readonly nodes: number;
  readonly stateRoot: string;
  readonly signal: AbortSignal;
}

export interface Tools {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly progress: Progress;
}

export interface Cluster {
  readonly layout: ClusterLayout;
  readonly client: Client;
  readonly server: Supervised;
  /** Aborts when somebody wants an end, or when one of the cluster's processes cannot run at all. */
  readonly signal: AbortSignal;
  /** Ends everything and leaves nothing behind; may be called again. */
  remove(): Promise<void>;
}

/**
 * Brings a cluster up to the point where objects can be applied: its machines, the API server, an agent on each node,
 * and the proxies and DNS servers on their way. Whatever fails, or when `signal` aborts, nothing is left behind.
 */
export async function startCluster(options: ClusterOptions, tools: Tools): Promise<Cluster> {
  const { name, stateRoot, signal } = options;
  const { kernel, progress } = tools;
  demandNoOwner(name, path.join(stateRoot, name));
  demandNoNamesake(name, path.join(stateRoot, name));
  const remove = () => removeWith(name, stateRoot, tools);
  const left = await remove();
  if (left.processes + left.namespaces > 0 || left.link) {
    progress.line(`Cleaned up after an earlier run: ${left.processes} processes, ${left.namespaces} namespaces.`);
  }
  const { hostLink, fabric, stateDir } = layoutOf(name, stateRoot, '', 0);
  claim(name, stateDir);
  let parts: Parts | undefined;
  const removeAll = async () => {
    await parts?.stop();
    await remove();
  };
  try {
    const subnet = reserveSubnet(name, hostLink, fabric.namespace, kernel);
    const layout = layoutOf(name, stateRoot, subnet, options.nodes);
    const running = new Parts(layout, tools, signal);
    parts = running;
    await progress.step(`fabric ${layout.fabric.subnet}.0/24 and ${options.nodes + 1} machines`, () => running.build());
    await progress.step(`API server at https://${layout.control.address}:${clusterDefaults.apiPort}`, () =>
      running.serve(),
    );
    await progress.step('service proxies and DNS handed to the nodes', () => running.runSystem());
    return { layout, client: running.client, server: running.server, signal: running.signal, remove: removeAll };
  } catch (error) {
    await removeAll();
    throw error;
  }
}

/** Removes a cluster by name; used before, after, and by `signalbox down`. */
export async function removeWith(name: string, stateRoot: string, { kernel, clock }: Pick<Tools, 'kernel' | 'clock'>) {
  const network = new NetworkAdmin(kernel);
  try {
    return await removeCluster(name, stateRoot, network, clock);
  } finally {
    network.close();
  }
}

/** What runs, in the order in which it is started. */
class Parts {
  readonly #layout: ClusterLayout;
  readonly #tools: Tools;
  readonly #failures = new AbortController();
  readonly #signal: AbortSignal;
  readonly #processes: Supervised[] = [];
  #relay: DnsServer | undefined;
  #client: Client | undefined;
  #systemPods: Informer<Pod> | undefined;
  readonly #stopping = new AbortController();

  constructor(layout: ClusterLayout, tools: Tools, signal: AbortSignal) {
    this.#layout = layout;
    this.#tools = tools;
    this.#signal = AbortSignal.any([signal, this.#failures.signal]);
  }

  /** Aborts when somebody wants an end, or when a process cannot run at all. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  get client(): Client {
    return this.#client!;
  }

  get server(): Supervised {
    return this.#processes[0]!;
  }

  async build(): Promise<void> {
    mkdirSync(this.#layout.logDir);
    await this.#issueIdentities();
    buildFabric(this.#layout, this.#tools.kernel);
    await this.#relayDns();
  }

  /** Starts the API server and the agents side by side, since agents wait for it anyway, and waits until it answers. */
  async serve(): Promise<void> {
    this.#start('server', this.#layout.control.namespace, serverWords(this.#layout));
    for (const node of this.#layout.nodes) this.#start(node.name, node.namespace, agentWords(this.#layout, node));
    const { clock } = this.#tools;
    const config = loadKubeconfig(this.#layout.adminKubeconfig);
    this.#client = createClient({ ...http2Exchange({ ...config, clock }), userAgent: `signalbox-up/${version}` });
    const { exchange, close } = http2Exchange({ ...config, clock });
    await until(
      clock,
      `the API server answers (its log: ${path.join(this.#layout.logDir, 'server.log')})`,
      async () => {
        const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(1000)]);
        return (await exchange({ method: 'GET', url: '/readyz', headers: {}, signal })).status === 200;
      },
      { signal: this.#signal },
    );
    await close();
  }

  /** The cluster's own Pods, now and whenever somebody has deleted one. */
  async runSystem(): Promise<void> {
    const { clock, log } = this.#tools;
    const manifests = systemManifests(this.#layout);
    await applyManifests(this.client, manifests);
    const fieldSelector = 'metadata.namespace=kube-system';
    const pods = createInformer({ client: this.client, clock, log, resource: Pod, fieldSelector });
    this.#systemPods = pods;
    keepSystemPods({ client: this.client, pods, manifests, clock, log, signal: this.#stopping.signal });
    pods.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#systemPods?.stop();
    for (const running of this.#processes) running.stop();
    await this.#relay?.stop();
    await this.#client?.close();
  }

  #start(name: string, namespace: string, words: readonly string[]): void {
    const { clock, log } = this.#tools;
    const program = ownProgram(name, netnsPath(namespace), words, this.#layout);
    const onExit = (reason: string) => {
      if (reason === usageExit) this.#failures.abort(refusalOf(name, program.logFile));
    };
    this.#processes.push(supervise(program, clock, log, onExit));
  }

  async #issueIdentities(): Promise<void> {
    const { adminKubeconfig, proxyKubeconfig, dnsKubeconfig, control, name, nodes } = this.#layout;
    const pki = await ensurePki({
      dir: path.join(serverDir(this.#layout), 'pki'),
      addresses: [control.address],
      serviceCidr: clusterDefaults.serviceCidr,
      clock: this.#tools.clock,
    });
    const server = `https://${control.address}:${clusterDefaults.apiPort}`;
    const common = { server, clusterName: name, clock: this.#tools.clock };
    await ensureKubeconfig(pki, {
      ...common,
      path: adminKubeconfig,
      commonName: 'admin',
      organizations: ['system:masters'],
    });
    await ensureKubeconfig(pki, { ...common, path: proxyKubeconfig, commonName: 'system:kube-proxy' });
    await ensureKubeconfig(pki, { ...common, path: dnsKubeconfig, commonName: 'system:kube-dns' });
    for (const node of nodes) {
      const commonName = `system:node:${node.name}`;
      await ensureKubeconfig(pki, { ...common, path: node.kubeconfig, commonName, organizations: ['system:nodes'] });
    }
  }

  /** The nodes have no way out, so the host resolves for them, with its own resolvers, on its end of the link only. */
  async #relayDns(): Promise<void> {
    const { clock, log } = this.#tools;
    const listen = [{ address: this.#layout.fabric.hostAddress, port: 53 }];
    this.#relay = await startDns({ clock, log: log.with({ component: 'dns-relay' }), options: { listen } });
  }
}

/** A program that refuses what we have told it will refuse it again. */
const usageExit = 'exit code 2';

function refusalOf(name: string, logFile: string): OperatingError {
  const lastLine = readFileSync(logFile, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  return new OperatingError(`Start ${name}`, 'refused', lastLine.replace(/^error: /, ''));
}

const serverDir = ({ stateDir }: ClusterLayout): string => path.join(stateDir, 'server');

const serverWords = (layout: ClusterLayout): string[] => [
  'server',
  `--data-dir=${serverDir(layout)}`,
  `--listen-address=${layout.control.address}`,
  `--advertise-address=${layout.control.address}`,
  `--port=${clusterDefaults.apiPort}`,
  `--service-cidr=${clusterDefaults.serviceCidr}`,
];

const agentWords = (layout: ClusterLayout, node: NodeLayout): string[] => [
  'node',
  `--kubeconfig=${node.kubeconfig}`,
  `--name=${node.name}`,
  `--address=${node.address}`,
  `--pod-cidr=${node.podCidr}`,
  `--state-dir=${node.stateDir}`,
  `--cluster-dns=${clusterDefaults.dnsAddress}`,
  `--cluster-domain=${clusterDefaults.domain}`,
  `--cluster-id=${layout.stateDir}`,
];
