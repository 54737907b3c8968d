import { Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { keepHeapSmall } from '../base/heap.ts';
import { version } from '../base/version.ts';
import { connect } from './connect.ts';
import { dnsWhyCommand } from './dns-why.ts';
import {
  durationMs,
  interruption,
  type LogFlags,
  loggerFrom,
  logOptions,
  repeated,
  socketAddress,
  wholeNumber,
} from './options.ts';
import { settleMemory } from './settle-memory.ts';

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
  wildcards?: boolean;
  takeOver?: boolean;
  conf?: string;
  dnsPort: number;
  pidfile?: string;
  quiet?: boolean;
  check?: boolean;
  version?: boolean;
}

export function dnsCommand(): Command {
  const command = new Command('dns')
    .description('Answer DNS for the cluster: Services and headless Services by name, everything else forwarded.')
    .option(
      '--conf <Corefile>',
      'answer as this file of CoreDNS says, in its place; the flags below it do not count then',
    )
    .addOption(
      new Option('--dns.port <port>', 'with --conf: the port of zones that name none')
        .argParser(wholeNumber(0, 65_535))
        .default(53),
    )
    .option('--pidfile <file>', 'with --conf: where to write the process id')
    .option('--check', 'with --conf: say whether the file is understood, and end')
    .option('--quiet', 'with --conf: only warnings and errors')
    .option('--take-over', 'answer beside a server that has the addresses already; end that one once this one is ready')
    .option('--version', 'the version, and end')
    .option('--kubeconfig <file>', 'how to reach the API server; left out: forward everything')
    .addOption(
      new Option('--listen <address:port>', 'where to answer, UDP and TCP; may be given again')
        .argParser(repeated(socketAddress))
        .default([{ address: '127.0.0.1', port: 53 }], '127.0.0.1:53'),
    )
    .option('--cluster-domain <domain>', 'the zone of the cluster', 'cluster.local')
    .addOption(
      new Option(
        '--upstream <address[:port]>',
        'resolver for all other names, tls:// or https:// before it; may be given again',
      )
        .argParser(repeated((text) => text))
        .default([], 'those of --resolv-conf'),
    )
    .option('--resolv-conf <file>', 'where to find the resolvers, followed when it changes', '/etc/resolv.conf')
    .addOption(
      new Option('--reverse-cidr <cidr>', "addresses whose reverse names are the cluster's; may be given again")
        .argParser(repeated((text) => text))
        .default([], 'none'),
    )
    .option('--wildcards', 'answer *.NAMESPACE.svc and the like for all Services that there are, as kube-dns did')
    .option('--ready-address <address:port>', 'where to answer /ready', socketAddress)
    .option('--health-address <address:port>', 'where to answer /health', socketAddress)
    .option('--lame-duck <duration>', 'when stopping: how long to go on answering, no longer ready', durationMs, 0)
    .addHelpText(
      'after',
      `
Until the cluster has been listed once, its names are answered with SERVFAIL, never with NXDOMAIN.

With --conf it takes CoreDNS's place: its Corefile, its ports, its metrics, and its flags with one dash as well. The API
server is reached as the Corefile says, by --kubeconfig, or as a Pod of the cluster.

Examples:
  signalbox dns --conf /etc/coredns/Corefile
  signalbox dns --conf Corefile --check             before a cluster changes over from CoreDNS
  signalbox dns --kubeconfig node1.kubeconfig --listen 192.0.2.11:53
  signalbox dns --conf new.Corefile --take-over     an upgrade: beside the server that runs, which is then ended
  signalbox dns --listen 127.0.0.1:5353 --upstream 9.9.9.9     forward only
  signalbox dns --listen 127.0.0.1:5353 --upstream tls://9.9.9.9%dns.quad9.net     over TLS, by this name`,
    );
  for (const option of logOptions()) command.addOption(option);
  command.enablePositionalOptions().addCommand(dnsWhyCommand());
  return command.action(async (flags: DnsFlags) => {
    if (flags.version) {
      process.stdout.write(`signalbox ${version}\n`);
      return;
    }
    keepHeapSmall();
    if (flags.conf !== undefined) {
      const { conf, dnsPort, kubeconfig, pidfile } = flags;
      const { checkCorefile, runCorefile } = await import('./dns-corefile.ts');
      if (flags.check) return checkCorefile(conf);
      const level = flags.quiet ? 'warn' : flags.logLevel;
      const found = {
        conf,
        dnsPort,
        ...(kubeconfig !== undefined && { kubeconfig }),
        ...(pidfile !== undefined && { pidfile }),
        takeOver: flags.takeOver === true,
      };
      await runCorefile(found, systemClock, loggerFrom({ ...flags, logLevel: level }, systemClock, 'dns'));
      return;
    }
    const { startDns } = await import('../dns/mod.ts');
    const clock = systemClock;
    const log = loggerFrom(flags, clock, 'dns');
    const client = flags.kubeconfig === undefined ? undefined : connect(flags.kubeconfig, 'signalbox-dns', clock);
    const server = await startDns({
      clock,
      giveMemoryBack: settleMemory,
      log,
      ...(client && { client }),
      options: {
        listen: flags.listen,
        clusterDomain: flags.clusterDomain,
        resolvConf: flags.resolvConf,
        reverseCidrs: flags.reverseCidr,
        lameDuckMs: flags.lameDuck,
        wildcards: flags.wildcards === true,
        takeOver: flags.takeOver === true,
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
