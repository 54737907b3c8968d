import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import { formatTable } from '../base/table.ts';
import { type Client, isNotFound, loadKubeconfig } from '../client/mod.ts';
import { ConfigMap, formatTime, parseTime, Secret } from '../kube/mod.ts';
import { clusterInfoPlace } from './cluster-info.ts';
import { connect } from './connect.ts';
import { caCertHash, parseBootstrapToken } from './join-discovery.ts';
import { durationMs } from './options.ts';

const namespace = 'kube-system';
const secretType = 'bootstrap.kubernetes.io/token';
const joiners = 'system:bootstrappers:kubeadm:default-node-token';

interface CreateFlags {
  kubeconfig: string;
  ttl: number;
  description?: string;
  printJoinCommand?: boolean;
}

export function tokenCommand(): Command {
  const command = new Command('token')
    .description('Make, list and delete the bootstrap tokens by which machines join the cluster.')
    .addHelpText(
      'after',
      `
Examples:
  signalbox token create --print-join-command
  signalbox token create --ttl 1h --description "rack 7"
  signalbox token list
  signalbox token delete abcdef`,
    );
  const kubeconfig = [
    '--kubeconfig <file>',
    "an administrator's",
    '/var/lib/signalbox/server/admin.kubeconfig',
  ] as const;
  command
    .command('create')
    .description('Make a token, and print it')
    .argument('[token]', 'abcdef.0123456789abcdef (default: at random)')
    .option(...kubeconfig)
    .addOption(
      new Option('--ttl <duration>', 'how long it is good; 0: until it is deleted')
        .argParser(durationMs)
        .default(86_400_000, '24h'),
    )
    .option('--description <text>', 'what it is for')
    .option('--print-join-command', 'print the command by which a machine joins with it')
    .action((token: string | undefined, flags: CreateFlags) =>
      withClient(flags, (client) => create(client, token, flags)),
    );
  command
    .command('list')
    .description('List the tokens, without what is secret of them')
    .option(...kubeconfig)
    .action((flags: { kubeconfig: string }) => withClient(flags, list));
  command
    .command('delete')
    .description('Delete a token: nobody joins with it any more')
    .argument('<token>', 'its id, the part before the dot, or the whole')
    .option(...kubeconfig)
    .action((token: string, flags: { kubeconfig: string }) => withClient(flags, (client) => remove(client, token)));
  return command;
}

async function withClient(flags: { kubeconfig: string }, act: (client: Client) => Promise<string>): Promise<void> {
  const client = connect(flags.kubeconfig, 'signalbox-token', systemClock);
  try {
    process.stdout.write(await act(client));
  } finally {
    await client.close();
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Bytes beyond the last whole round of the alphabet are left out: each character is as likely as any other. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length)
    for (const byte of randomBytes(length)) if (byte < 252 && text.length < length) text += alphabet[byte % 36];
  return text;
}

async function create(client: Client, given: string | undefined, flags: CreateFlags): Promise<string> {
  const token = given ?? `${randomText(6)}.${randomText(16)}`;
  const { id, secret } = parseBootstrapToken(token);
  const { ttl, description } = flags;
  await client.create(Secret, {
    metadata: { name: `bootstrap-token-${id}`, namespace },
    type: secretType,
    stringData: {
      'token-id': id,
      'token-secret': secret,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': joiners,
      ...(ttl > 0 && { expiration: formatTime(systemClock.now() + ttl) }),
      ...(description && { description }),
    },
  });
  return flags.printJoinCommand ? `${await joinCommand(client, token, flags.kubeconfig)}\n` : `${token}\n`;
}

async function joinCommand(client: Client, token: string, kubeconfig: string): Promise<string> {
  const { server } = loadKubeconfig(kubeconfig);
  const { data } = await client.get(ConfigMap, clusterInfoPlace.name, clusterInfoPlace);
  const [, encoded = ''] = /certificate-authority-data: *(\S+)/.exec(data?.kubeconfig ?? '') ?? [];
  const hash = caCertHash(Buffer.from(encoded, 'base64').toString());
  return `signalbox node --join ${server} --token ${token} --ca-cert-hash ${hash} --address ADDRESS --pod-cidr CIDR`;
}

async function list(client: Client): Promise<string> {
  const fieldSelector = `type=${secretType}`;
  const { items } = await client.list(Secret, { namespace, fieldSelector });
  const rows = items.map((secret) => {
    const read = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
    const usages = ['authentication', 'signing'].filter((usage) => read(`usage-bootstrap-${usage}`) === 'true');
    return [
      read('token-id'),
      endText(read('expiration')),
      usages.join(','),
      read('description'),
      read('auth-extra-groups'),
    ];
  });
  return formatTable(['TOKEN', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'GROUPS'], rows);
}

const endText = (expiration: string): string =>
  expiration === '' ? 'never' : (parseTime(expiration) ?? 0) <= systemClock.now() ? 'over' : expiration;

async function remove(client: Client, token: string): Promise<string> {
  const [id = ''] = token.split('.');
  if (!/^[a-z0-9]{6}$/.test(id))
    throw new UsageError('Delete a token', 'its id is not six letters and digits', 'signalbox token list');
  try {
    await client.delete(Secret, `bootstrap-token-${id}`, { namespace });
  } catch (error) {
    if (isNotFound(error))
      throw new UsageError('Delete a token', `there is none with the id ${id}`, 'signalbox token list');
    throw error;
  }
  return `Deleted token ${id}\n`;
}
