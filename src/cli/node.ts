import os from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import { connect } from './connect.ts';
import type { JoinOptions } from './join.ts';
import { durationMs, interruption, ipAddress, type LogFlags, loggerFrom, logOptions } from './options.ts';

interface NodeFlags extends LogFlags {
  kubeconfig?: string;
  join?: string;
  token?: string;
  caCertHash: string[];
  certificateDuration?: number;
  name: string;
  address: string;
  podCidr: string;
  stateDir: string;
  clusterDns: string;
  clusterDomain: string;
  clusterId?: string;
  leaseDuration: number;
}

const entry = path.join(import.meta.dirname, '..', 'main.ts');

export function nodeCommand(): Command {
  const command = new Command('node')
    .description('Run the node agent: registers this node, runs and probes its Pods, keeps the Pod network.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--join <url>', 'the API server of a cluster to join, in the place of a kubeconfig', serverUrl)
    .option('--token <token>', 'bootstrap token; needed until the node has its own certificate')
    .option(
      '--ca-cert-hash <hash>',
      "sha256:… of the public key of the cluster's authority; may be given several times",
      (hash: string, before: string[]) => [...before, hash],
      [],
    )
    .addOption(
      new Option('--certificate-duration <duration>', 'ask for certificates of so long')
        .argParser(durationMs)
        .default(undefined, 'as long as the server gives'),
    )
    .option('--name <node>', "the node's name", os.hostname().toLowerCase())
    .requiredOption('--address <address>', 'IPv4 address by which the other nodes reach this one', ipAddress)
    .requiredOption('--pod-cidr <cidr>', "addresses of this node's Pods; no other node may have them")
    .option('--state-dir <folder>', 'holds Pod state and container logs', '/var/lib/signalbox/node')
    .option('--cluster-dns <address>', "what Pods' resolv.conf names", ipAddress, '10.96.0.10')
    .option('--cluster-domain <domain>', 'the zone of the cluster', 'cluster.local')
    .option(
      '--cluster-id <text>',
      'mark in the environment of every process that is started (default: the state folder)',
    )
    .option('--lease-duration <duration>', 'silent for so long, the node counts as gone', durationMs, 40_000)
    .addHelpText(
      'after',
      `
Pods go on running when the agent ends, however it ends, and are adopted by the next one. Needs util-linux's nsenter and
unshare. A name or a Pod CIDR that another live node has is refused.

A node that joins gets a certificate of its own, and renews it in time; after that the token may be over. Its kubeconfig is
STATE-DIR/node.kubeconfig.

Examples:
  signalbox node --join https://192.0.2.1:6443 --token abcdef.0123456789abcdef --ca-cert-hash sha256:… \
    --name node1 --address 192.0.2.11 --pod-cidr 10.244.1.0/24
  signalbox node --kubeconfig node1.kubeconfig --name node1 --address 192.0.2.11 --pod-cidr 10.244.1.0/24`,
    );
  for (const option of logOptions()) command.addOption(option);
  return command.action(async (flags: NodeFlags) => {
    const { checkPrivileges, createKernel } = await import('../kernel/mod.ts');
    const { keepCertificate, startNodeAgent } = await import('../node/mod.ts');
    checkPrivileges('signalbox node');
    const clock = systemClock;
    const stateDir = path.resolve(flags.stateDir);
    const log = loggerFrom(flags, clock, 'node');
    const interrupted = interruption();
    const kubeconfig = await kubeconfigOf(flags, { stateDir, clock, log }, interrupted);
    if (kubeconfig === undefined) return;
    const client = connect(kubeconfig, 'signalbox-node', clock);
    const common = { client, clock, log, stateDir, nodeName: flags.name };
    const rotation = flags.join === undefined ? undefined : keepCertificate({ ...common, ...lifeOf(flags) });
    const agent = await startNodeAgent({
      client,
      kernel: createKernel(),
      clock,
      log,
      options: {
        nodeName: flags.name,
        nodeAddress: flags.address,
        podCidr: flags.podCidr,
        stateDir,
        clusterDns: [flags.clusterDns],
        clusterDomain: flags.clusterDomain,
        clusterId: flags.clusterId ?? stateDir,
        ownCommand: [process.execPath, ...process.execArgv, entry],
        leaseDurationSeconds: Math.ceil(flags.leaseDuration / 1000),
      },
    });
    try {
      await Promise.race([interrupted, agent.registered.then(() => new Promise<never>(() => {}))]);
    } finally {
      await agent.stop();
      await rotation?.stop();
      await client.close();
    }
  });
}

const lifeOf = ({ certificateDuration }: NodeFlags) =>
  certificateDuration === undefined ? {} : { expirationSeconds: Math.ceil(certificateDuration / 1000) };

/** Of a node that joins, after it has; undefined: it was interrupted before. */
async function kubeconfigOf(
  flags: NodeFlags,
  tools: Pick<JoinOptions, 'stateDir' | 'clock' | 'log'>,
  interrupted: Promise<unknown>,
): Promise<string | undefined> {
  const { kubeconfig, join, token, caCertHash, name } = flags;
  if ((kubeconfig === undefined) === (join === undefined))
    throw new UsageError('Reach the API server', 'exactly one of --kubeconfig and --join must be given');
  if (join === undefined) return kubeconfig;
  const { joinCluster } = await import('./join.ts');
  const leaving = new AbortController();
  void interrupted.then(() => leaving.abort());
  const { expirationSeconds } = lifeOf(flags);
  const wish = { join, caCertHash, nodeName: name, signal: leaving.signal, ...(token !== undefined && { token }) };
  try {
    return await joinCluster({
      ...wish,
      ...tools,
      ...(expirationSeconds !== undefined && { certificateSeconds: expirationSeconds }),
    });
  } catch (error) {
    if (leaving.signal.aborted) return undefined;
    throw error;
  }
}

function serverUrl(text: string): string {
  if (URL.parse(text)?.protocol !== 'https:')
    throw new InvalidArgumentError('It must be a URL such as https://192.0.2.1:6443.');
  return text;
}
