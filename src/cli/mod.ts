import { Command, CommanderError } from 'commander';
import { codeOf, messageOf, UsageError } from '../base/errors.ts';
import { withTwoDashes } from './coredns-flags.ts';
import { dnsCommand } from './dns.ts';
import { downCommand } from './down.ts';
import { ExitError, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { nodeCommand } from './node.ts';
import { proxyCommand } from './proxy.ts';
import { serverCommand } from './server.ts';
import { upCommand } from './up.ts';
import { versionCommand } from './version.ts';

/** Runs one command line and resolves to the exit code; the process ends when nothing keeps it alive any more. */
export async function main(words: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(words[0] === 'dns' ? withTwoDashes(words) : words, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    return report(error);
  }
}

function createProgram(): Command {
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
  for (const command of [
    upCommand(),
    downCommand(),
    serverCommand(),
    nodeCommand(),
    proxyCommand(),
    dnsCommand(),
    versionCommand(),
  ]) {
    program.addCommand(command);
  }
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
