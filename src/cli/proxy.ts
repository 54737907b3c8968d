import os from 'node:os';
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import { connect } from './connect.ts';
import { durationMs, interruption, type LogFlags, loggerFrom, logOptions, wholeNumber } from './options.ts';

interface ProxyFlags extends LogFlags {
  kubeconfig?: string;
  hostnameOverride: string;
  clusterCidr?: string;
  serviceCidr?: string;
  masqueradeBit: number;
  syncPeriod: number;
  cleanup?: boolean;
}

export function proxyCommand(): Command {
  const command = new Command('proxy')
    .description('Program the kernel of this node so that packets to Services reach their endpoints (nftables).')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option(
      '--hostname-override <node>',
      "this node's name, as in the endpoints' nodeName",
      os.hostname().toLowerCase(),
    )
    .option('--cluster-cidr <cidr>', 'addresses of all Pods: VIP connections from elsewhere are masqueraded')
    .option('--service-cidr <cidr>', 'addresses of Services: packets to one that no Service has are dropped')
    .option('--masquerade-bit <bit>', 'bit of the packet mark that means "masquerade"', wholeNumber(0, 31), 14)
    .option(
      '--sync-period <duration>',
      'how often to look for changes that others made to our rules',
      durationMs,
      30_000,
    )
    .option('--cleanup', 'remove our rules from the kernel and end: Services stop working on this node')
    .addHelpText(
      'after',
      `
Rules stay in the kernel when the proxy ends, however it ends, and are taken over by the next one: traffic flows on.

Examples:
  signalbox proxy --kubeconfig node1.kubeconfig --hostname-override node1 --cluster-cidr 10.244.0.0/16
  signalbox proxy --cleanup
  nft list table ip signalbox          what it has programmed`,
    );
  for (const option of logOptions()) command.addOption(option);
  return command.action(async (flags: ProxyFlags) => {
    const { checkNftables, checkPrivileges, createKernel } = await import('../kernel/mod.ts');
    const { cleanUpProxy, startProxy } = await import('../proxy/mod.ts');
    const kernel = createKernel();
    checkPrivileges('signalbox proxy', ['CAP_NET_ADMIN']);
    checkNftables(kernel, 'signalbox proxy');
    if (flags.cleanup) return cleanUpProxy(kernel);
    if (flags.kubeconfig === undefined) throw new UsageError('Start the proxy', '--kubeconfig is missing');
    const clock = systemClock;
    const client = connect(flags.kubeconfig, 'signalbox-proxy', clock);
    const proxy = startProxy({
      source: { client },
      nodeName: flags.hostnameOverride,
      kernel,
      clock,
      log: loggerFrom(flags, clock, 'proxy'),
      masqueradeBit: flags.masqueradeBit,
      syncPeriodMs: flags.syncPeriod,
      ...(flags.clusterCidr !== undefined && { clusterCidr: flags.clusterCidr }),
      ...(flags.serviceCidr !== undefined && { serviceCidr: flags.serviceCidr }),
    });
    await interruption();
    await proxy.stop();
    await client.close();
  });
}
