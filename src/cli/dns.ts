import { Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { connect } from './connect.ts';
import { durationMs, interruption, type LogFlags, loggerFrom, logOptions, repeated, socketAddress } from './options.ts';

interface DnsFlags extends LogFlags {
  kubeconfig?: string;
  listen: { address: string; port: number }[];
  clusterDomain: string;
  upstream: string[];
  resolvConf: string;
  reverseCidr: string[];
  readyAddress?: { address: string; port: number };
  healthAddress?: { address: string; port: number };
  lameDuck: number;
}

export function dnsCommand(): Command {
  const command = new Command('dns')
    .description('Answer DNS for the cluster: Services and headless Services by name, everything else forwarded.')
    .option('--kubeconfig <file>', 'how to reach the API server; left out: forward everything')
    .addOption(
      new Option('--listen <address:port>', 'where to answer, UDP and TCP; may be given again')
        .argParser(repeated(socketAddress))
        .default([{ address: '127.0.0.1', port: 53 }], '127.0.0.1:53'),
    )
    .option('--cluster-domain <domain>', 'the zone of the cluster', 'cluster.local')
    .addOption(
      new Option('--upstream <address[:port]>', 'resolver for all other names; may be given again')
        .argParser(repeated((text) => text))
        .default([], 'those of --resolv-conf'),
    )
    .option('--resolv-conf <file>', 'where to find the resolvers, followed when it changes', '/etc/resolv.conf')
    .addOption(
      new Option('--reverse-cidr <cidr>', "addresses whose reverse names are the cluster's; may be given again")
        .argParser(repeated((text) => text))
        .default([], 'none'),
    )
    .option('--ready-address <address:port>', 'where to answer /ready', socketAddress)
    .option('--health-address <address:port>', 'where to answer /health', socketAddress)
    .option('--lame-duck <duration>', 'when stopping: how long to go on answering, no longer ready', durationMs, 0)
    .addHelpText(
      'after',
      `
Until the cluster has been listed once, its names are answered with SERVFAIL, never with NXDOMAIN.

Examples:
  signalbox dns --kubeconfig node1.kubeconfig --listen 192.0.2.11:53
  signalbox dns --listen 127.0.0.1:5353 --upstream 9.9.9.9     forward only`,
    );
  for (const option of logOptions()) command.addOption(option);
  return command.action(async (flags: DnsFlags) => {
    const { startDns } = await import('../dns/mod.ts');
    const clock = systemClock;
    const log = loggerFrom(flags, clock, 'dns');
    const client = flags.kubeconfig === undefined ? undefined : connect(flags.kubeconfig, 'signalbox-dns', clock);
    const server = await startDns({
      clock,
      log,
      ...(client && { client }),
      options: {
        listen: flags.listen,
        clusterDomain: flags.clusterDomain,
        resolvConf: flags.resolvConf,
        reverseCidrs: flags.reverseCidr,
        lameDuckMs: flags.lameDuck,
        ...(flags.upstream.length > 0 && { upstreams: flags.upstream }),
        ...(flags.readyAddress && { ready: flags.readyAddress }),
        ...(flags.healthAddress && { health: flags.healthAddress }),
      },
    });
    await interruption();
    await server.stop();
    await client?.close();
  });
}
