import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../store/port.ts';

const storeKinds = ['sqlite', 'etcd', 'memory'] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface StoreFlags {
  dataDir: string;
  store?: StoreKind;
  etcdServers?: string[];
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  etcdPrefix: string;
}

export const dataDirOption = (): Option =>
  new Option('--data-dir <folder>', 'holds the store, the certificates and admin.kubeconfig').default(
    '/var/lib/signalbox/server',
  );

/** Where a server keeps what it knows. */
export const storeOptions = (): Option[] => [
  dataDirOption(),
  new Option('--store <kind>', 'sqlite: on disk, every write synced; memory: gone when it ends')
    .choices(storeKinds)
    .default(undefined, 'sqlite; etcd with --etcd-servers'),
  new Option('--etcd-servers <urls>', 'members of an etcd cluster, with commas; etcd 3.4 or newer').argParser((text) =>
    text.split(','),
  ),
  new Option('--etcd-cafile <file>', "authority of the members' certificates, PEM"),
  new Option('--etcd-certfile <file>', 'certificate that this server shows to etcd, PEM'),
  new Option('--etcd-keyfile <file>', 'key of that certificate, PEM'),
  new Option('--etcd-prefix <prefix>', 'what all keys in etcd begin with').default('/signalbox'),
];

/** Rejects with UsageError for flags that do not go together, with StoreError when the store cannot be had. */
export async function openStore(flags: StoreFlags, log: Logger): Promise<Store> {
  const { createMemoryStore, openEtcdStore, openSqliteStore } = await import('../store/mod.ts');
  const kind = storeKindOf(flags);
  if (kind === 'memory') return createMemoryStore();
  if (kind === 'etcd') {
    const { etcdServers: endpoints = [], etcdPrefix: prefix } = flags;
    return await openEtcdStore({ endpoints, prefix, tls: etcdTls(flags), clock: systemClock, log });
  }
  mkdirSync(flags.dataDir, { recursive: true, mode: 0o700 });
  return await openSqliteStore({ path: sqlitePath(flags) });
}

export const sqlitePath = ({ dataDir }: Pick<StoreFlags, 'dataDir'>): string => path.join(dataDir, 'store.sqlite');

export function storeKindOf({ store, etcdServers }: StoreFlags): StoreKind {
  const kind = store ?? (etcdServers ? 'etcd' : 'sqlite');
  if (kind === 'etcd' && !etcdServers) throw new UsageError('Choose the store', '--store etcd needs --etcd-servers');
  if (kind !== 'etcd' && etcdServers)
    throw new UsageError('Choose the store', `--etcd-servers does not go with --store ${kind}`);
  return kind;
}

function etcdTls({ etcdCafile, etcdCertfile, etcdKeyfile }: StoreFlags) {
  if ((etcdCertfile === undefined) !== (etcdKeyfile === undefined))
    throw new UsageError('Reach etcd', '--etcd-certfile and --etcd-keyfile go together');
  return {
    ...(etcdCafile !== undefined && { ca: readFlagFile('--etcd-cafile', etcdCafile) }),
    ...(etcdCertfile !== undefined && { cert: readFlagFile('--etcd-certfile', etcdCertfile) }),
    ...(etcdKeyfile !== undefined && { key: readFlagFile('--etcd-keyfile', etcdKeyfile) }),
  };
}

export function readFlagFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`Read the file of ${flag}`, messageOf(error));
  }
}
