import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { OperatingError } from '../base/errors.ts';
import { ping } from '../kernel/mod.ts';
import { Pod } from '../kube/mod.ts';
import { sandboxProcess } from '../node/mod.ts';
import type { Cluster, Tools } from './cluster.ts';
import { addMachine } from './fabric.ts';
import type { ClusterLayout } from './layout.ts';
import { processesOf } from './processes.ts';
import type { ProofContext } from './proof/mod.ts';
import { proxyLabels } from './system.ts';
import type { Place } from './traffic.ts';
import { until } from './wait.ts';

const pingTimeoutMs = 1000;

export const hasKubectl = (): boolean => spawnSync('kubectl', ['version', '--client']).status === 0;

/** What the proof works with: a client Pod, a machine outside the cluster, and ways to break things. */
export async function createProofContext(
  cluster: Cluster,
  service: { readonly name: string; readonly vip: string },
  tools: Tools,
): Promise<ProofContext> {
  const { client, layout } = cluster;
  const { clock, kernel } = tools;
  const placeOf = (namespace: string, pod: string) => placeOfPod(layout, namespace, pod);
  const runClientPod = (name: string, spec?: object) => createClientPod(cluster, tools, name, spec);
  await runClientPod(clientPodName);
  let killed: number[] = [];
  return {
    layout,
    client,
    clock,
    serviceName: service.name,
    vip: service.vip,
    clientPod: placeOf('default', clientPodName),
    outside: { netns: addMachine(layout, kernel, outsideOf(layout)), stateDir: layout.stateDir },
    placeOf,
    runClientPod: async (name, spec) => {
      await runClientPod(name, spec);
      return placeOf('default', name);
    },
    deletePod: (namespace, pod) => deletePod(cluster, namespace, pod),
    killServer: () => kill(cluster.server.pid),
    killProxies: async () => {
      killed = proxyProcesses(layout);
      for (const pid of killed) kill(pid);
      return killed.length;
    },
    killDns: (node) => kill(dnsProcess(layout, node.address)),
    proxiesAreBack: (count) => proxiesAreBack(cluster, count, killed),
    ping: async (from, address) => ping(netnsOf(from), address, pingTimeoutMs),
  };
}

const clientPodName = 'proof-client';

async function createClientPod({ client }: Cluster, { clock }: Tools, name: string, spec: object = {}): Promise<void> {
  await client.create(Pod, {
    metadata: { name, namespace: 'default' },
    spec: {
      ...spec,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'client', image: 'signalbox/client', command: ['sleep', 'infinity'] }],
    },
  });
  await until(clock, `the client Pod ${name} is ready`, async () => {
    const { status } = await client.get(Pod, name, { namespace: 'default' });
    return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  });
}

function outsideOf(layout: ClusterLayout) {
  return { namespace: `${layout.namespacePrefix}outside`, address: `${layout.fabric.subnet}.253` };
}

function placeOfPod(layout: ClusterLayout, namespace: string, name: string): Place {
  for (const { stateDir } of layout.nodes) {
    const pid = sandboxProcess(stateDir, namespace, name);
    if (pid !== undefined) return { pid, stateDir: layout.stateDir };
  }
  throw new OperatingError(`Find Pod ${namespace}/${name}`, 'missing', 'no node runs it');
}

const netnsOf = (place: Place): string => ('pid' in place ? `/proc/${place.pid}/ns/net` : place.netns);

/** With kubectl where there is one, as a user would; else by the same request. */
async function deletePod({ client, layout }: Cluster, namespace: string, name: string): Promise<void> {
  if (!hasKubectl()) return await client.delete(Pod, name, { namespace });
  const words = [
    `--kubeconfig=${layout.adminKubeconfig}`,
    'delete',
    'pod',
    name,
    `--namespace=${namespace}`,
    '--wait=false',
  ];
  await promisify(execFile)('kubectl', words);
}

/** The proxies' own processes, without the shims around them. */
function proxyProcesses(layout: ClusterLayout): number[] {
  return processesOf(layout.stateDir).filter((pid) => isOwnProgram(pid, 'proxy'));
}

/** The node's DNS server. */
const dnsProcess = (layout: ClusterLayout, address: string): number | undefined =>
  processesOf(layout.stateDir).find(
    (pid) => isOwnProgram(pid, 'dns') && wordsOf(pid).includes(`--listen=${address}:53`),
  );

const wordsOf = (pid: number): string[] => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

function isOwnProgram(pid: number, command: string): boolean {
  try {
    const words = wordsOf(pid);
    const entry = words.findIndex((word) => path.basename(word) === 'main.ts');
    return readlinkSync(`/proc/${pid}/exe`) === readlinkSync('/proc/self/exe') && words[entry + 1] === command;
  } catch {
    return false;
  }
}

/** New processes run, and the agents have noticed that they are not the first. */
async function proxiesAreBack({ client, layout }: Cluster, count: number, killed: readonly number[]): Promise<boolean> {
  const running = proxyProcesses(layout).filter((pid) => !killed.includes(pid));
  const labelSelector = `k8s-app=${proxyLabels['k8s-app']}`;
  const pods = await client.list(Pod, { namespace: 'kube-system', labelSelector });
  const restarted = pods.items.filter(({ status }) =>
    status?.containerStatuses?.some(({ restartCount, state }) => restartCount > 0 && state?.running),
  );
  return running.length === count && restarted.length === count;
}

function kill(pid: number | undefined): void {
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}
