import { Command, CommanderError } from 'commander';
import { codeOf, messageOf, UsageError } from '../base/errors.ts';
import { withTwoDashes } from './coredns-flags.ts';
import { ExitError, exitCodes, exitCodesHelp } from './exit-codes.ts';

/** In the order of the help text. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).upCommand(),
  down: async () => (await import('./down.ts')).downCommand(),
  server: async () => (await import('./server.ts')).serverCommand(),
  node: async () => (await import('./node.ts')).nodeCommand(),
  proxy: async () => (await import('./proxy.ts')).proxyCommand(),
  dns: async () => (await import('./dns.ts')).dnsCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  backup: async () => (await import('./backup.ts')).backupCommand(),
  version: async () => (await import('./version.ts')).versionCommand(),
};

/** Runs one command line and resolves to the exit code; the process ends when nothing keeps it alive any more. */
export async function main(words: readonly string[]): Promise<number> {
  // Who reads no more (`signalbox COMMAND --help | head`) has read enough; commands that go on listen for it themselves.
  process.stdout.on('error', (error) => {
    if (codeOf(error) !== 'EPIPE') throw error;
  });
  const program = await createProgram(words[0]);
  try {
    await program.parseAsync(words[0] === 'dns' ? withTwoDashes(words) : words, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    return report(error);
  }
}

/** With the command that is called and no other: each costs a process memory. With all of them for help and mistakes. */
async function createProgram(called: string | undefined): Promise<Command> {
  // Options belong to the command that they stand behind: `dns why` and `dns` share names of some.
  const program = new Command('signalbox')
    .enablePositionalOptions()
    .description('Kubernetes Service networking: Services without Kubernetes, or in place of kube-proxy and CoreDNS.')
    .addHelpText(
      'after',
      `
Examples:
  signalbox up                 a cluster on this machine, three nodes, the hostnames Service; Ctrl-C ends it
  signalbox up --exit          the same, checked with real packets, then torn down
  signalbox down               clean up after a cluster that was killed hard
  signalbox COMMAND --help     what a command does, with examples
${exitCodesHelp}`,
    );
  const own = called === undefined ? undefined : commands[called];
  for (const load of own ? [own] : Object.values(commands)) program.addCommand(await load());
  const all = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)];
  for (const command of all) {
    command.exitOverride().showHelpAfterError(`(${fullName(command)} --help says more)`);
  }
  return program;
}

/** `signalbox dns why` */
const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();

function report(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
    return exitCodes.usage;
  }
  if (['unsupported', 'privilege', 'nf_tables'].includes(codeOf(error) ?? '')) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    return exitCodes.unsupported;
  }
  const operating = codeOf(error) !== undefined;
  process.stderr.write(`error: ${operating || !(error instanceof Error) ? messageOf(error) : error.stack}\n`);
  return exitCodes.failed;
}
