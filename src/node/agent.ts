import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { kubernetesVersion, version } from '../base/version.ts';
import { type Client, createInformer, createRecorder, isNotFound } from '../client/mod.ts';
import type { Kernel } from '../kernel/mod.ts';
import { ConfigMap, type KubeObject, Node, parseResolvConf, parseTime, type Resource, Secret } from '../kube/mod.ts';
import { readIfPresent, writeAtomic } from './files.ts';
import { LogKeeper } from './logs/log-keeper.ts';
import { BridgeNetwork } from './network/bridge-network.ts';
import { NodeRouter } from './network/node-routes.ts';
import { keepRoutes } from './network/route-keeper.ts';
import { writeSysctl } from './network/sysctl.ts';
import { PodManager } from './pods/manager.ts';
import { readNodeFacts } from './registration/node-facts.ts';
import { Registration } from './registration/registration.ts';
import { createCatalogue, type OwnCommand } from './runtime/catalogue.ts';
import { closeInheritedDescriptors } from './runtime/process/descriptors.ts';
import { volumesFolder } from './runtime/process/pod-directory.ts';
import { createProcessRuntime } from './runtime/process/process-runtime.ts';
import type { VolumeSources } from './volumes/files.ts';

export interface NodeAgentOptions {
  readonly nodeName: string;
  /** The node's IPv4 address, by which the other nodes reach it and its Pods. */
  readonly nodeAddress: string;
  /** `10.244.1.0/24` */
  readonly podCidr: string;
  /** Holds everything that the agent keeps on disk; absolute. */
  readonly stateDir: string;
  readonly clusterDns: readonly string[];
  /** `cluster.local` */
  readonly clusterDomain: string;
  /** Every process started here bears it in SIGNALBOX_CLUSTER. */
  readonly clusterId: string;
  /** How the `signalbox` command itself is run. */
  readonly ownCommand: OwnCommand;
  /** Default /etc/resolv.conf. */
  readonly resolvConf?: string;
  /** Default 110. */
  readonly maxPods?: number;
  /** A node silent for so long counts as gone; the Lease is renewed four times in it. Default 40 s. */
  readonly leaseDurationSeconds?: number;
}

export interface NodeAgentDependencies {
  readonly client: Client;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: NodeAgentOptions;
}

export interface NodeAgent {
  /**
   * Resolves when the Node is Ready in the API. Rejects with UsageError when name or range are another node's; the agent
   * has ended then.
   */
  readonly registered: Promise<void>;
  /** Ends the agent; Pods run on. */
  stop(): Promise<void>;
}

/**
 * The node agent, in the network namespace of the calling process: takes up what an earlier one left running, registers
 * the Node, and from then on runs the Pods that the API gives it.
 */
export async function startNodeAgent({
  client,
  kernel,
  clock,
  log,
  options,
}: NodeAgentDependencies): Promise<NodeAgent> {
  const { stateDir, nodeName, nodeAddress, podCidr } = options;
  closeInheritedDescriptors();
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const network = new BridgeNetwork({ kernel, writeSysctl, stateDir, podCidr });
  network.setUp();
  const { clusterId } = options;
  const runtime = createProcessRuntime({ stateDir, network, clock, log, clusterId, version });
  await runtime.restore();
  network.retain(new Set(runtime.list().map(({ config }) => config.podUid)));
  for (const { config, ready } of runtime.list()) if (ready && !config.hostNetwork) network.rejoin(config.podUid);

  const facts = readNodeFacts();
  const nodes = createInformer({ client, clock, log, resource: Node });
  const registration = new Registration({
    client,
    clock,
    log,
    nodes,
    node: {
      name: nodeName,
      address: nodeAddress,
      podCidr,
      runtime: `${runtime.name}://${version}`,
      agentVersion: kubernetesVersion.gitVersion,
      maxPods: options.maxPods ?? 110,
      facts,
    },
    holder: `${nodeName}_${nodeAddress}_${agentId(stateDir)}`,
    leaseDurationSeconds: options.leaseDurationSeconds ?? 40,
  });
  const recorder = createRecorder({ client, component: 'signalbox-node', host: nodeName, clock, log });
  const manager = new PodManager({
    client,
    runtime,
    clock,
    log,
    recorder,
    catalogue: createCatalogue(options.ownCommand),
    sources: sourcesFrom(client),
    volumesFolder: ({ metadata: { name, namespace = '', uid } }) =>
      volumesFolder(stateDir, { podNamespace: namespace, podName: name, podUid: uid }),
    names: {
      nodeName,
      clusterDns: options.clusterDns,
      clusterDomain: options.clusterDomain,
      hostDns: parseResolvConf(readIfPresent(options.resolvConf ?? '/etc/resolv.conf') ?? ''),
    },
    nodeAddress,
    capacity: { cpu: facts.cpu, memoryBytes: facts.memoryBytes },
  });
  const logs = new LogKeeper(stateDir, clock, log);
  const router = new NodeRouter(kernel, stateDir, log);
  const stopRoutes = keepRoutes({ router, nodes, nodeName, clock, log });
  nodes.start();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      registration.stop();
      logs.stop();
      stopRoutes();
      await Promise.all([manager.stop(), nodes.stop(), recorder.flush()]);
      await runtime.close();
      router.close();
      network.close();
    })();
    return stopping;
  };
  const registered = registration
    .register()
    .then(() => manager.start())
    .catch(async (error) => {
      await stop();
      throw error;
    });
  // It need not be waited for.
  registered.catch(() => {});
  return { registered, stop };
}

/** Made up once for a state directory: a second agent of the same name has another one. */
function agentId(stateDir: string): string {
  const file = path.join(stateDir, 'agent-id');
  const known = readIfPresent(file)?.trim();
  if (known) return known;
  const made = randomUUID();
  writeAtomic(file, `${made}\n`);
  return made;
}

function sourcesFrom(client: Client): VolumeSources {
  const find = async <S extends KubeObject>(resource: Resource<S>, namespace: string, name: string) => {
    try {
      return await client.get(resource, name, { namespace });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    async token({ metadata, spec }, audience, expirationSeconds) {
      const { name, namespace = '', uid } = metadata;
      const status = await client.requestToken(namespace, spec.serviceAccountName ?? 'default', {
        ...(audience ? { audiences: [audience] } : {}),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      });
      return { token: status.token, expiresAtMs: parseTime(status.expirationTimestamp) ?? 0 };
    },
    configMap: (namespace, name) => find(ConfigMap, namespace, name),
    secret: (namespace, name) => find(Secret, namespace, name),
  };
}
