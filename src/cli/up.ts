import path from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { ExitError, exitCodes } from './exit-codes.ts';
import {
  defaultName,
  interruption,
  type LogFlags,
  loggerFrom,
  logOptions,
  outputLost,
  stateRootOption,
  wholeNumber,
} from './options.ts';

interface UpFlags extends LogFlags {
  name: string;
  nodes: number;
  filename: string;
  stateRoot: string;
  exit?: boolean;
}

const exampleManifest = path.join(import.meta.dirname, '..', '..', 'examples', 'hostnames.yaml');

export function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Run a whole cluster on this machine: a control plane and some nodes, each in a network namespace of its own.',
    )
    .option('--name <name>', "the cluster's name; several can run side by side", defaultName)
    .option('--nodes <count>', 'how many nodes', wholeNumber(1, 200), 3)
    .option('-f, --filename <file>', 'the manifest to apply; its first Service is shown and checked', exampleManifest)
    .option('--exit', 'check with real packets what the screen shows, tear down, and exit with 0 when all of it held')
    .addOption(stateRootOption())
    .addHelpText(
      'after',
      `
Needs root, nf_tables in the kernel, and util-linux's nsenter and unshare. The host's own network is left alone but for
one link, sb-NAME. Ctrl-C ends the cluster and leaves nothing behind; after a kill -9 the next start cleans up first.

Examples:
  signalbox up                            three nodes, examples/hostnames.yaml
  signalbox up --name b --nodes 5         a second cluster, larger
  signalbox up -f my-services.yaml        your own manifest
  signalbox up --exit                     for scripts: 0 when everything held, 1 when not`,
    );
  for (const option of logOptions('warn')) command.addOption(option);
  return command.action(async (flags: UpFlags) => {
    const { checkNftables, checkPrivileges, createKernel } = await import('../kernel/mod.ts');
    const { createProgress, runUp } = await import('../standalone/mod.ts');
    const clock = systemClock;
    const kernel = createKernel();
    checkPrivileges('signalbox up');
    checkNftables(kernel, 'signalbox up');
    const outcome = await runUp(
      {
        ...flags,
        manifestFile: flags.filename,
        check: flags.exit === true,
        // Nobody would see how to end it: a cluster whose output is lost ends.
        interrupted: Promise.race([interruption(), outputLost()]),
      },
      {
        kernel,
        clock,
        log: loggerFrom(flags, clock, 'up'),
        progress: createProgress(process.stdout, clock, process.env),
      },
    );
    throw new ExitError(exitCodes[outcome]);
  });
}
