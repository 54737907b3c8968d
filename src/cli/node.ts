import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { connect } from './connect.ts';
import { durationMs, interruption, ipAddress, type LogFlags, loggerFrom, logOptions } from './options.ts';

interface NodeFlags extends LogFlags {
  kubeconfig: string;
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
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
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

Examples:
  signalbox node --kubeconfig node1.kubeconfig --name node1 --address 192.0.2.11 --pod-cidr 10.244.1.0/24`,
    );
  for (const option of logOptions()) command.addOption(option);
  return command.action(async (flags: NodeFlags) => {
    const { checkPrivileges, createKernel } = await import('../kernel/mod.ts');
    const { startNodeAgent } = await import('../node/mod.ts');
    checkPrivileges('signalbox node');
    const clock = systemClock;
    const stateDir = path.resolve(flags.stateDir);
    const client = connect(flags.kubeconfig, 'signalbox-node', clock);
    const agent = await startNodeAgent({
      client,
      kernel: createKernel(),
      clock,
      log: loggerFrom(flags, clock, 'node'),
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
      await Promise.race([interruption(), agent.registered.then(() => new Promise<never>(() => {}))]);
    } finally {
      await agent.stop();
      await client.close();
    }
  });
}
