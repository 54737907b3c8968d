import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import type { User } from '../base/exchange.ts';
import type { Logger } from '../base/log.ts';
import { version } from '../base/version.ts';
import { publishClusterInfo } from './cluster-info.ts';
import { outliveMistakes } from './mistakes.ts';
import { ensureOneAuthority } from './one-authority.ts';
import { durationMs, interruption, type LogFlags, loggerFrom, logOptions, wholeNumber } from './options.ts';
import { addTokenOptions, type TokenFlags, tokenSettings } from './server-tokens.ts';
import { openStore, type StoreFlags, storeKindOf, storeOptions } from './store-flags.ts';

interface ServerFlags extends LogFlags, StoreFlags, TokenFlags {
  listenAddress: string;
  port: number;
  advertiseAddress: string;
  serviceCidr: string;
  nodePortRange: string;
  nodeMonitorGracePeriod: number;
  leaderElect: boolean;
}

export function serverCommand(): Command {
  const command = new Command('server').description(
    'Run the control plane: API server, store, controllers and scheduler in one process.',
  );
  for (const option of storeOptions()) command.addOption(option);
  command
    .option('--listen-address <address>', 'where to listen', '0.0.0.0')
    .option('--port <port>', 'HTTPS port', wholeNumber(1, 65_535), 6443)
    .addOption(
      new Option('--advertise-address <address>', 'where nodes and Pods reach this server').makeOptionMandatory(),
    )
    .option('--service-cidr <cidrs>', 'addresses of Services; two, with a comma, for dual-stack', '10.96.0.0/16')
    .option('--node-port-range <range>', 'ports of NodePort Services', '30000-32767')
    .option(
      '--no-leader-elect',
      'with etcd: run controllers and scheduler here, whoever else does; for one server only',
    )
    .option('--node-monitor-grace-period <duration>', 'a node silent for so long is NotReady', durationMs, 40_000)
    .addHelpText(
      'after',
      `
The first start makes a certificate authority and writes DATA-DIR/admin.kubeconfig (mode 0600).

Several servers may work on one etcd: all answer, and one of them, which holds the Lease kube-system/signalbox-server,
runs controllers and scheduler. They need one certificate authority: copy DATA-DIR/pki/ca.crt, ca.key (and sa.key, sa.pub)
of the first to the others before they start. All listen on one port.

Examples:
  signalbox server --advertise-address 192.0.2.1 --etcd-servers https://192.0.2.5:2379,https://192.0.2.6:2379 \\
    --etcd-cafile ca.crt --etcd-certfile server.crt --etcd-keyfile server.key
  signalbox server --advertise-address 192.0.2.1
  KUBECONFIG=/var/lib/signalbox/server/admin.kubeconfig kubectl get nodes`,
    );
  addTokenOptions(command);
  for (const option of logOptions()) command.addOption(option);
  return command.action(runServer);
}

async function runServer(flags: ServerFlags): Promise<void> {
  const log = loggerFrom(flags, systemClock, 'server');
  // What has begun ends in the opposite order, also when one of the later steps fails.
  await using running = new AsyncDisposableStack();
  await startServer(flags, log, running);
  outliveMistakes(log);
  log.info('Serving', {
    address: `${flags.advertiseAddress}:${flags.port}`,
    store: storeKindOf(flags),
    dataDir: flags.dataDir,
  });
  log.info('Stopping', { signal: await interruption() });
}

async function startServer(flags: ServerFlags, log: Logger, running: AsyncDisposableStack): Promise<void> {
  const clock = systemClock;
  const {
    checkApiServerSettings,
    componentUser,
    controllerUser,
    createApiServer,
    ensureKubeconfig,
    ensurePki,
    requestSigner,
    serveHttps,
  } = await import('../apiserver/mod.ts');
  const { createClient, fenced, startElection } = await import('../client/mod.ts');
  const { startControllers } = await import('../controllers/mod.ts');
  const { startScheduler } = await import('../scheduler/mod.ts');

  const { advertiseAddress, dataDir, port, serviceCidr, nodePortRange } = flags;
  const hasPeers = storeKindOf(flags) === 'etcd';
  checkApiServerSettings(flags);
  // Whoever holds the store holds the folder: a second server finds out before it has changed anything.
  const store = await openStore(flags, log);
  running.defer(() => store.close());
  const pki = await ensurePki({ dir: path.join(dataDir, 'pki'), addresses: [advertiseAddress], serviceCidr, clock });
  const apiServer = await createApiServer({
    ...{ store, clock, log, serviceCidr, nodePortRange, advertiseAddress, hasPeers },
    advertisePort: port,
    tokens: await tokenSettings(flags),
    mountsTokens: true,
  });
  // Connections are done when their watches are.
  let https: { close(): Promise<void> } | undefined;
  running.defer(async () => {
    await apiServer.stop();
    await https?.close();
  });
  const userAgent = `signalbox-server/${version}`;
  const client = createClient({ exchange: apiServer.exchange, userAgent });
  await ensureOneAuthority(client, pki.caPem, hasPeers);
  await publishClusterInfo(client, `https://${advertiseAddress}:${port}`, pki.caPem);
  https = await serveHttps(apiServer, { address: flags.listenAddress, port, pki, clock, log });
  await ensureKubeconfig(pki, {
    path: path.join(dataDir, 'admin.kubeconfig'),
    server: `https://${advertiseAddress}:${port}`,
    clusterName: 'signalbox',
    commonName: 'admin',
    organizations: ['system:masters'],
    clock,
  });
  const lead = (over: AbortSignal) => {
    const exchange = fenced(apiServer.exchange, over);
    const clientOf = (user: User) => createClient({ exchange, user, userAgent });
    const controllers = startControllers({
      client: clientOf(componentUser('system:kube-controller-manager')),
      requestSigner: requestSigner(pki, clock),
      rootCaPem: pki.caPem,
      clientAs: (controller) => clientOf(controllerUser(controller)),
      ...{ clock, log, nodeLifecycle: { graceMs: flags.nodeMonitorGracePeriod } },
    });
    const scheduler = startScheduler({ client: clientOf(componentUser('system:kube-scheduler')), clock, log });
    return async () => {
      await scheduler.stop();
      await controllers.stop();
    };
  };
  if (!hasPeers || !flags.leaderElect) running.defer(lead(new AbortController().signal));
  else {
    const identity = `${advertiseAddress}_${randomUUID()}`;
    const election = { client, clock, log, namespace: 'kube-system', name: 'signalbox-server', identity, lead };
    const { stop } = startElection(election);
    running.defer(stop);
  }
}
