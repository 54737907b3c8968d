import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import { createLogger, type Logger } from '../base/log.ts';
import type { KubeProxyConfiguration } from '../kube/mod.ts';
import {
  configurationAdvice,
  configurationFromFile,
  configurationFromFlags,
  type FlagValues,
  formatConfiguration,
} from '../proxy/config/mod.ts';
import { connectAsComponent } from './connect.ts';
import { ExitError, exitCodes } from './exit-codes.ts';
import { interruption, type LogFlags, logOptions } from './options.ts';
import { addProxyFlags, flagValues } from './proxy-flags.ts';

/** What has no field in the configuration. */
interface ProxyFlags extends LogFlags {
  config?: string;
  writeConfigTo?: string;
  master?: string;
  hostnameOverride?: string;
  serviceCidr?: string;
  cleanup?: string;
  initOnly?: string;
}

export function proxyCommand(): Command {
  const command = new Command('proxy')
    .description(
      "Program the kernel of this node so that packets to Services reach their endpoints; in kube-proxy's place.",
    )
    .option(
      '--config <file>',
      'a KubeProxyConfiguration (v1alpha1), followed when it changes; other flags do not count then',
    )
    .option('--write-config-to <file>', 'write the configuration with its defaults and end')
    .option('--hostname-override <node>', "this node's name, as in the endpoints' nodeName; default: the host's")
    .option('--master <url>', 'the API server, instead of the one in the kubeconfig')
    .option('--service-cidr <cidr>', 'addresses of Services: packets to one that no Service has are dropped')
    .addOption(
      actionOption('cleanup', 'remove the rules of all modes from the kernel and end: Services stop working here'),
    )
    .addOption(actionOption('init-only', 'set the kernel parameters that take full root rights, and end'))
    .addHelpText(
      'after',
      `
Rules stay in the kernel when the proxy ends, however it ends, and are taken over by the next one: traffic flows on (but
for mode userspace, where this process is the road). Without --kubeconfig and --master it connects as a Pod of the cluster.

Examples:
  signalbox proxy --kubeconfig node1.kubeconfig --hostname-override node1 --cluster-cidr 10.244.0.0/16
  signalbox proxy --config /var/lib/kube-proxy/config.conf --hostname-override node1
  signalbox proxy --proxy-mode iptables --write-config-to proxy.yaml
  signalbox proxy --cleanup
  curl http://127.0.0.1:10249/metrics      how it does; /proxyMode, /configz; http://NODE:10256/healthz`,
    );
  addProxyFlags(command);
  for (const option of logOptions()) command.addOption(option);
  return command.action((flags: ProxyFlags) => run(flags, flagValues(command), command));
}

/** As all of kube-proxy's booleans, it may have its value behind `=`. */
const actionOption = (name: string, description: string): Option =>
  new Option(`--${name} [true|false]`, description).preset('true').choices(['true', 'false']);

const isTrue = (value: string | undefined): boolean => value === 'true';

async function run(flags: ProxyFlags, values: FlagValues, command: Command): Promise<void> {
  const read = (text?: string) =>
    flags.config === undefined ? configurationFromFlags(values) : configurationFromFile(flags.config, values, text);
  const { config, warnings } = read();
  if (flags.writeConfigTo !== undefined) return write(flags.writeConfigTo, formatConfiguration(config));
  const log = loggerOf(config, flags, command);
  for (const warning of [...warnings, ...configurationAdvice(config)]) log.warn(warning);
  await operate(config, flags, log, (text) => {
    const found = read(text);
    for (const warning of [...found.warnings, ...configurationAdvice(found.config)]) log.warn(warning);
    return found.config;
  });
}

async function operate(
  config: KubeProxyConfiguration,
  flags: ProxyFlags,
  log: Logger,
  read: (text: string) => KubeProxyConfiguration,
): Promise<void> {
  const { checkPrivileges, createKernel } = await import('../kernel/mod.ts');
  const { chooseMode, cleanUp, ProxyServer, realDataplanes, tuneNode, watchFile } = await import('../proxy/mod.ts');
  checkPrivileges('signalbox proxy', ['CAP_NET_ADMIN']);
  const kernel = createKernel();
  const clock = systemClock;
  const dataplanes = realDataplanes({ kernel, clock, log });
  if (isTrue(flags.cleanup)) {
    if (cleanUp(dataplanes, kernel, log).length > 0) throw new ExitError(exitCodes.failed);
    return;
  }
  const tune = (wanted: KubeProxyConfiguration, mode: Parameters<typeof tuneNode>[1]) =>
    tuneNode(wanted, mode, { log, cpus: os.cpus().length });
  if (isTrue(flags.initOnly)) {
    tune(config, chooseMode(config.mode, dataplanes, os.release()));
    return;
  }
  const server = new ProxyServer({
    config,
    own: flags.serviceCidr === undefined ? {} : { serviceCidr: flags.serviceCidr },
    nodeName: ({ hostnameOverride }) => nodeName(flags.hostnameOverride ?? hostnameOverride),
    connect: ({ clientConnection: { kubeconfig } }, observer) =>
      connectAsComponent(
        { kubeconfig, ...(flags.master && { master: flags.master }) },
        'signalbox-proxy',
        clock,
        observer,
      ),
    dataplanes,
    kernel,
    kernelRelease: os.release(),
    tune,
    clock,
    log,
  });
  const path = flags.config;
  const onChange = (text: string) => {
    try {
      void server.reconfigure(read(text));
    } catch (error) {
      log.error('The configuration file has become wrong, keeping the one before', { error: messageOf(error) });
    }
  };
  const unwatch = path === undefined ? () => {} : watchFile(path, { clock, log, onChange });
  try {
    await Promise.race([interruption(), server.failure]);
  } finally {
    unwatch();
    await server.stop();
  }
}

/** As kube-proxy reads it: without spaces around it, in lower case. */
function nodeName(override: string | undefined): string {
  const name = (override || os.hostname()).trim().toLowerCase();
  if (name === '') throw new UsageError('Read --hostname-override', 'empty hostname-override is invalid');
  return name;
}

/** From this verbosity on klog users look for details. */
const debugVerbosity = 4;

/** Our own flags have the last word; without them the configuration's verbosity and format count. */
function loggerOf({ logging }: KubeProxyConfiguration, flags: LogFlags, command: Command): Logger {
  const isGiven = (name: keyof LogFlags) => command.getOptionValueSource(name) === 'cli';
  const level = isGiven('logLevel') || logging.verbosity < debugVerbosity ? flags.logLevel : 'debug';
  const format = isGiven('logFormat') || logging.format !== 'json' ? flags.logFormat : 'json';
  return createLogger({ level, format, now: () => systemClock.now() }, { component: 'proxy' });
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UsageError(`Write ${path}`, messageOf(error));
  }
}
