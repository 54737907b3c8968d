import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { ExitError, exitCodes } from './exit-codes.ts';
import { interruption, logOptions, loggerFrom, type LogFlags, wholeNumber } from './options.ts';

interface UpFlags extends LogFlags {
  name: string;
  nodes: number;
  filename: string;
  stateRoot: string;
  exit?: boolean;
}

export function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Run a whole cluster on this machine: a control plane and some nodes, each in a network namespace of its own.',
    )
    .option('--name <name>', 'the cluster\'s name; several can run side by side', 'demo')
    .option('--nodes <count>', 'how many nodes', wholeNumber(1, 200), 3)
    .option('-f, --filename <file>', 'the manifest to apply; its first Service is shown and checked', exampleManifest())
    .option('--exit', 'check with real packets what the screen shows, tear down, and say by the exit code if it held')
    .option('--state-root <folder>', 'where clusters keep their state; a cluster\'s own goes when it ends', stateRoot)
    .addHelpText(
      'after',
      `
Needs root, nf_tables in the kernel, and util-linux's nsenter and unshare. The host's own network is left alone but for
one link, sb-NAME. Ctrl-C ends the cluster and leaves nothing behind; so does the next start after a kill -9.

Examples:
  signalbox up                            three nodes, examples/hostnames.yaml
  signalbox up --name b --nodes 5         a second cluster, larger
  signalbox up -f my-services.yaml        your own manifest
  signalbox up --exit                     for scripts: 0 when everything held, 1 when not`,
    );
  for (const option of logOptions()) command.addOption(option);
  return command.action(async (flags: UpFlags) => {
    const { runUp } = await import('../standalone/mod.ts');
    const log = loggerFrom({ ...flags, logLevel: flags.logLevel === 'info' ? 'error' : flags.logLevel }, systemClock, 'up');
    const { createKernel, createNetworkTools } = await import('../kernel/mod.ts');
    const outcome = await runUp({
      ...flags,
      manifestFile: flags.filename,
      check: flags.exit === true,
      clock: systemClock,
      log,
      interrupted: interruption(),
    });
    setExitCode(command, exitCodes[outcome]);
  });
}
