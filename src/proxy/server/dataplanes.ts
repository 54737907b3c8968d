import type { Clock } from '../../base/clock.ts';
import { codeOf, OperatingError } from '../../base/errors.ts';
import { type Logger, silentLogger } from '../../base/log.ts';
import type { Kernel } from '../../kernel/port.ts';
import { type ProxyMode, proxyModes } from '../config/mod.ts';
import { createIptablesDataplane } from '../dataplane/iptables/mod.ts';
import { createNftablesDataplane } from '../dataplane/nftables/mod.ts';
import type { Dataplane } from '../dataplane/port.ts';
import { createUserspaceDataplane } from '../dataplane/userspace/mod.ts';
import type { Family } from '../plan/mod.ts';

/** How to open each mode's dataplane. Throws OperatingError when the machine cannot, or does not let us. */
export type Dataplanes = Readonly<Record<ProxyMode, (family: Family, purpose?: Purpose) => Dataplane>>;

/** To remove what a mode has left, nobody needs to hear what it would lack to serve. */
type Purpose = 'serve' | 'remove';

export interface DataplanesOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  /** Path of the network namespace; default: the process's own. */
  readonly netns?: string;
}

export function realDataplanes({ kernel, clock, log, netns }: DataplanesOptions): Dataplanes {
  const place = netns === undefined ? {} : { netns };
  return {
    nftables: (family) => createNftablesDataplane(kernel, { family, ...place }),
    iptables: (family) => createIptablesDataplane(kernel, { family, log, ...place }),
    userspace: (family, purpose = 'serve') =>
      createUserspaceDataplane({ family, clock, log: purpose === 'serve' ? log : silentLogger, ...place }),
  };
}

/** The oldest kernel whose nf_tables has all that the nftables dataplane needs; upstream asks for the same. */
const nftablesSince = [5, 13] as const;

/**
 * The mode that somebody asked for; else the first that this machine can do.
 * @param kernelRelease as uname(1) says it: `6.18.44-amd64`
 */
export function chooseMode(wanted: string, dataplanes: Dataplanes, kernelRelease: string): ProxyMode {
  const named = proxyModes.find((mode) => mode === wanted);
  if (named) return named;
  const able = proxyModes.filter((mode) => mode !== 'nftables' || isAtLeast(kernelRelease, nftablesSince));
  let refusal: unknown;
  for (const mode of able) {
    try {
      dataplanes[mode]('IPv4').close();
      return mode;
    } catch (error) {
      // Without the right to program the kernel no mode will do.
      if (codeOf(error) === 'EPERM') throw error;
      refusal ??= error;
    }
  }
  if (refusal) throw refusal;
  throw new OperatingError('Choose a proxy mode', 'unsupported', `Linux ${kernelRelease} is too old for all of them`);
}

function isAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
