import path from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { version } from '../base/version.ts';
import type { Store } from '../store/port.ts';
import { outliveMistakes } from './mistakes.ts';
import {
  durationMs,
  interruption,
  type LogFlags,
  loggerFrom,
  logOptions,
  oneOfOption,
  wholeNumber,
} from './options.ts';

interface ServerFlags extends LogFlags {
  dataDir: string;
  store: 'sqlite' | 'memory';
  listenAddress: string;
  port: number;
  advertiseAddress: string;
  serviceCidr: string;
  nodePortRange: string;
  nodeMonitorGracePeriod: number;
}

export function serverCommand(): Command {
  const command = new Command('server')
    .description('Run the control plane: API server, store, controllers and scheduler in one process.')
    .option(
      '--data-dir <folder>',
      'holds the store, the certificates and admin.kubeconfig',
      '/var/lib/signalbox/server',
    )
    .addOption(
      oneOfOption(
        '--store <kind>',
        'sqlite: on disk, every write synced; memory: gone when it ends',
        ['sqlite', 'memory'],
        'sqlite',
      ),
    )
    .option('--listen-address <address>', 'where to listen', '0.0.0.0')
    .option('--port <port>', 'HTTPS port', wholeNumber(1, 65_535), 6443)
    .addOption(
      new Option('--advertise-address <address>', 'where nodes and Pods reach this server').makeOptionMandatory(),
    )
    .option('--service-cidr <cidr>', 'addresses of Services', '10.96.0.0/16')
    .option('--node-port-range <range>', 'ports of NodePort Services', '30000-32767')
    .option('--node-monitor-grace-period <duration>', 'a node silent for so long is NotReady', durationMs, 40_000)
    .addHelpText(
      'after',
      `
The first start makes a certificate authority and writes DATA-DIR/admin.kubeconfig (mode 0600).

Examples:
  signalbox server --advertise-address 192.0.2.1
  KUBECONFIG=/var/lib/signalbox/server/admin.kubeconfig kubectl get nodes`,
    );
  for (const option of logOptions()) command.addOption(option);
  return command.action(runServer);
}

async function runServer(flags: ServerFlags): Promise<void> {
  const clock = systemClock;
  const log = loggerFrom(flags, clock, 'server');
  const { createApiServer, ensureKubeconfig, ensurePki, serveHttps } = await import('../apiserver/mod.ts');
  const { createClient } = await import('../client/mod.ts');
  const { startControllers } = await import('../controllers/mod.ts');
  const { startScheduler } = await import('../scheduler/mod.ts');

  const { advertiseAddress, dataDir, port, serviceCidr, nodePortRange } = flags;
  const pki = await ensurePki({ dir: path.join(dataDir, 'pki'), addresses: [advertiseAddress], serviceCidr, clock });
  await ensureKubeconfig(pki, {
    path: path.join(dataDir, 'admin.kubeconfig'),
    server: `https://${advertiseAddress}:${port}`,
    clusterName: 'signalbox',
    commonName: 'admin',
    organizations: ['system:masters'],
    clock,
  });
  const store = await openStore(flags);
  const apiServer = await createApiServer({
    ...{ store, clock, log, serviceCidr, nodePortRange, advertiseAddress },
    advertisePort: port,
  });
  const https = await serveHttps(apiServer, { address: flags.listenAddress, port, pki, clock, log });
  const client = createClient({ exchange: apiServer.exchange, userAgent: `signalbox-server/${version}` });
  const nodeLifecycle = { graceMs: flags.nodeMonitorGracePeriod };
  const controllers = startControllers({ client, clock, log, nodeLifecycle });
  const scheduler = startScheduler({ client, clock, log });
  outliveMistakes(log);
  log.info('Serving', { address: `${advertiseAddress}:${port}`, store: flags.store, dataDir });

  log.info('Stopping', { signal: await interruption() });
  await scheduler.stop();
  await controllers.stop();
  await apiServer.stop();
  await https.close();
  await store.close();
}

async function openStore(flags: ServerFlags): Promise<Store> {
  const { createMemoryStore, openSqliteStore } = await import('../store/mod.ts');
  if (flags.store === 'memory') return createMemoryStore();
  return await openSqliteStore({ path: path.join(flags.dataDir, 'store.sqlite') });
}
