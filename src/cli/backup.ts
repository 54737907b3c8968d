import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { messageOf, OperatingError, UsageError } from '../base/errors.ts';
import type { Exchange } from '../base/exchange.ts';
import { silentLogger } from '../base/log.ts';
import { formatTable } from '../base/table.ts';
import type { SnapshotLine, Summary } from '../store/snapshot/mod.ts';
import { oneOfOption } from './options.ts';
import { dataDirOption, openStore, type StoreFlags, sqlitePath, storeKindOf, storeOptions } from './store-flags.ts';

type PkiFile = SnapshotLine & { type: 'file' };

export function backupCommand(): Command {
  return new Command('backup')
    .description('Save everything that a control plane knows to a file, and make a control plane of such a file.')
    .addCommand(saveCommand())
    .addCommand(restoreCommand())
    .addCommand(showCommand())
    .addHelpText(
      'after',
      `
Examples:
  signalbox backup save /backup/monday.jsonl
  signalbox backup show /backup/monday.jsonl
  signalbox backup restore /backup/monday.jsonl --data-dir /var/lib/signalbox/server`,
    );
}

function saveCommand(): Command {
  return new Command('save')
    .description('Save all objects of a running cluster, as they are at one moment, and the keys of its authority.')
    .argument('<file>', 'where to; replaced when the new one is whole')
    .addOption(dataDirOption())
    .option('--kubeconfig <file>', 'how to reach a server; its user must be in system:masters', undefined)
    .option('--no-pki', 'leave out DATA-DIR/pki: for a cluster whose server runs elsewhere')
    .addHelpText(
      'after',
      `
The server goes on serving. The file holds Secrets and, unless --no-pki, private keys: only its owner may read it.

Examples:
  signalbox backup save /backup/monday.jsonl
  signalbox backup save monday.jsonl --kubeconfig admin.kubeconfig --no-pki`,
    )
    .action(save);
}

async function save(file: string, flags: { dataDir: string; kubeconfig?: string; pki: boolean }): Promise<void> {
  const { http2Exchange, loadKubeconfig } = await import('../client/mod.ts');
  const { writeSnapshot } = await import('../store/snapshot/mod.ts');
  const kubeconfig = flags.kubeconfig ?? path.join(flags.dataDir, 'admin.kubeconfig');
  const connection = http2Exchange({ ...loadKubeconfig(kubeconfig), clock: systemClock });
  try {
    const files = flags.pki ? await readPki(flags.dataDir) : [];
    print(file, await writeSnapshot(file, fetchSnapshot(connection.exchange), files), 'text');
  } finally {
    await connection.close();
  }
}

/** Asks when somebody reads: what an HTTP/2 stream brings before is thrown away by Node.js. */
async function* fetchSnapshot(exchange: Exchange): AsyncGenerator<string> {
  const request = { method: 'GET', url: '/signalbox/backup', headers: {}, signal: new AbortController().signal };
  const { status, body } = await exchange(request);
  if (status === 200) return yield* typeof body === 'string' ? [body] : body;
  let text = '';
  for await (const piece of typeof body === 'string' ? [body] : body) text += piece;
  throw new OperatingError('Save a backup', 'refused', messageIn(text) ?? `HTTP status ${status}`);
}

function messageIn(status: string): string | undefined {
  try {
    return JSON.parse(status).message;
  } catch {
    // Some other server's answer: its number has to do.
    return undefined;
  }
}

/** The authority's and the token signer's keys; the server's own certificate is made anew wherever it starts. */
async function readPki(dataDir: string): Promise<PkiFile[]> {
  const folder = path.join(dataDir, 'pki');
  try {
    const names = (await readdir(folder)).filter((name) => /^(ca|sa)[\w-]*\.(crt|key|pub)$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name): Promise<PkiFile> => {
        const mode = name.endsWith('.key') ? 0o600 : 0o644;
        return { type: 'file', path: `pki/${name}`, mode, text: await readFile(path.join(folder, name), 'utf8') };
      }),
    );
  } catch (error) {
    throw new UsageError(
      `Save the keys in ${folder}`,
      messageOf(error),
      'Run this on the machine of a server, with its --data-dir, or leave the keys out with --no-pki',
    );
  }
}

function restoreCommand(): Command {
  const command = new Command('restore')
    .description('Make the store of a new control plane from a backup, and put the keys of its authority in place.')
    .argument('<file>', 'what `backup save` has written');
  for (const option of storeOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
No server may be running on that store, and it must be empty: nothing is ever overwritten. Then start the server with the
same flags. With SQLite, clients of the old cluster notice by themselves that they have to list everything anew. In etcd
revisions begin low again: restart nodes, proxies and DNS servers, so that none goes by what it knew before.

Examples:
  signalbox backup restore monday.jsonl
  signalbox backup restore monday.jsonl --data-dir /srv/a --etcd-servers https://192.0.2.5:2379`,
    )
    .action(restore);
}

async function restore(file: string, flags: StoreFlags): Promise<void> {
  const { checkSnapshot, restoreToSqlite, restoreToStore } = await import('../store/snapshot/mod.ts');
  const kind = storeKindOf(flags);
  if (kind === 'memory') throw new UsageError('Restore', 'a store in memory is gone when this command ends');
  const summary = await checkSnapshot(file);
  const keys = await newKeys(file, flags.dataDir);
  await mkdir(flags.dataDir, { recursive: true, mode: 0o700 });
  if (kind === 'sqlite') await restoreToSqlite(file, summary.revision, sqlitePath(flags));
  else {
    const store = await openStore(flags, silentLogger);
    await restoreToStore(file, store).finally(() => store.close());
  }
  await putKeys(keys, flags.dataDir);
  print(file, summary, 'text');
}

/** The keys of the backup that are not in place yet. Throws UsageError where there are others. */
async function newKeys(file: string, dataDir: string): Promise<PkiFile[]> {
  const { readIfThere } = await import('../apiserver/mod.ts');
  const { readSnapshot } = await import('../store/snapshot/mod.ts');
  const found: PkiFile[] = [];
  for await (const line of readSnapshot(file)) {
    if (line.type !== 'file') continue;
    const there = await readIfThere(path.join(dataDir, line.path));
    if (there === undefined) found.push(line);
    else if (there !== line.text)
      throw new UsageError(
        'Restore',
        `${path.join(dataDir, line.path)} is not the one of the backup`,
        'Move the folder away, or name another --data-dir',
      );
  }
  return found;
}

async function putKeys(keys: readonly PkiFile[], dataDir: string): Promise<void> {
  const { writeAtomically } = await import('../apiserver/mod.ts');
  if (keys.length > 0) await mkdir(path.join(dataDir, 'pki'), { recursive: true, mode: 0o700 });
  for (const { path: name, text, mode } of keys) await writeAtomically(path.join(dataDir, name), text, mode);
}

function showCommand(): Command {
  return new Command('show')
    .description('Check that a backup is whole, and say what is in it.')
    .argument('<file>', 'what `backup save` has written')
    .addOption(oneOfOption('-o, --output <format>', 'for people or for programs', ['text', 'json'], 'text'))
    .addHelpText(
      'after',
      '\nExamples:\n  signalbox backup show monday.jsonl\n  signalbox backup show monday.jsonl -o json',
    )
    .action(async (file: string, { output }: { output: 'text' | 'json' }) => {
      const { checkSnapshot } = await import('../store/snapshot/mod.ts');
      print(file, await checkSnapshot(file), output);
    });
}

function print(file: string, { kinds, ...summary }: Summary, format: 'text' | 'json'): void {
  const byKind = Object.fromEntries([...kinds].sort(([one], [other]) => (one < other ? -1 : 1)));
  if (format === 'json') {
    process.stdout.write(`${JSON.stringify({ file, ...summary, kinds: byKind })}\n`);
    return;
  }
  const { revision, takenAt, entries, files } = summary;
  const keys = files.length === 0 ? 'no keys of an authority' : files.join(', ');
  process.stdout.write(`${file}: ${entries} entries at revision ${revision}, taken ${takenAt}; ${keys}\n`);
  const rows = Object.entries(byKind).map(([kind, count]) => [kind, String(count)]);
  process.stdout.write(formatTable(['KIND', 'ENTRIES'], rows));
}
