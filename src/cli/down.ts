import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { defaultName, stateRootOption } from './options.ts';

export function downCommand(): Command {
  return new Command('down')
    .description(
      'Remove what a standalone cluster has left behind: processes, network namespaces, its link, its state.',
    )
    .option('--name <name>', 'the cluster to remove', defaultName)
    .option('--all', 'every cluster that has left something')
    .addOption(stateRootOption())
    .addHelpText(
      'after',
      `
A cluster that \`signalbox up\` is running is refused: end that process instead.

Examples:
  signalbox down
  signalbox down --name b
  signalbox down --all`,
    )
    .action(async (flags: { name: string; all?: boolean; stateRoot: string }) => {
      const { checkPrivileges, createKernel } = await import('../kernel/mod.ts');
      const { createProgress, runDown } = await import('../standalone/mod.ts');
      checkPrivileges('signalbox down');
      await runDown(
        { names: [flags.name], all: flags.all === true, stateRoot: flags.stateRoot },
        {
          kernel: createKernel(),
          clock: systemClock,
          progress: createProgress(process.stdout, systemClock, process.env),
        },
      );
    });
}
