import { execFileSync } from 'node:child_process';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Kernel } from '../../src/kernel/mod.ts';
import { compileFixed } from '../../src/proxy/dataplane/iptables/compile-fixed.ts';
import { compilePort } from '../../src/proxy/dataplane/iptables/compile-port.ts';
import { createIptablesDataplane } from '../../src/proxy/dataplane/iptables/mod.ts';
import { compileTable } from '../../src/proxy/dataplane/nftables/compile-table.ts';
import { createNftablesDataplane } from '../../src/proxy/dataplane/nftables/mod.ts';
import type { Dataplane, TrafficSettings } from '../../src/proxy/dataplane/port.ts';
import { createUserspaceDataplane } from '../../src/proxy/dataplane/userspace/mod.ts';
import type { Family, PortPlan } from '../../src/proxy/plan/mod.ts';
import { type BaseChain, iptablesChains, nftablesChains, readNftables } from '../../src/trace/mod.ts';
import { parseSave, type Rule, type TableContent } from '../../src/wire/iptables/mod.ts';
import type { Scenario } from './scenario.ts';

/** A dataplane under test: how to compile for it, how to load it into a kernel, and how to read back what that holds. */
export interface Subject {
  readonly name: SubjectName;
  open(kernel: Kernel, family: Family, netns: string): Dataplane;
  /** Absent: the rules lead to ports that are known only when a process listens there. */
  compile?(ports: readonly PortPlan[], settings: TrafficSettings): BaseChain[];
  /** A process of the node stands between client and endpoint. */
  readonly relays?: true;
  /** Why the dataplane cannot do a scenario. */
  lacks?(scenario: Scenario): string | undefined;
  /** As text or messages say it, without any knowledge of the dataplane. */
  readBack(kernel: Kernel, family: Family, netns: string): BaseChain[];
}

export type SubjectName = 'nftables' | 'iptables on nft' | 'iptables on legacy' | 'userspace';

export const subjects: readonly Subject[] = [
  {
    name: 'nftables',
    open: (kernel, family, netns) => createNftablesDataplane(kernel, { family, netns }),
    compile(ports, settings) {
      const { chains, sets, elements } = compileTable(ports, settings);
      const { family } = settings;
      const found = sets.map((definition) => ({ definition, elements: elements.get(definition.name) ?? [] }));
      return nftablesChains({ family, name: 'signalbox', chains, sets: found });
    },
    readBack(kernel, family, netns) {
      const socket = kernel.openNetlink('netfilter', { netns });
      try {
        return readNftables(socket, family).flatMap(nftablesChains);
      } finally {
        socket.close();
      }
    },
  },
  iptables('nft'),
  iptables('legacy'),
  {
    name: 'userspace',
    relays: true,
    open: (_, family, netns) => createUserspaceDataplane({ clock: systemClock, log: silentLogger, family, netns }),
    lacks: ({ protocol }) => (protocol === 'SCTP' ? 'Node.js has no SCTP sockets' : undefined),
    readBack: (_, family, netns) => readBackIptables('nft', family, netns),
  },
];

function iptables(kind: 'nft' | 'legacy'): Subject {
  return {
    name: `iptables on ${kind}`,
    open: (kernel, family, netns) => createIptablesDataplane(kernel, { family, netns, interface: kind }),
    compile: (ports, settings) => iptablesChains(compileTables(ports, settings), settings.family),
    readBack: (_, family, netns) => readBackIptables(kind, family, netns),
  };
}

function readBackIptables(kind: 'nft' | 'legacy', family: Family, netns: string): BaseChain[] {
  const tool = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${kind}-save`;
  const text = execFileSync('nsenter', [`--net=${netns}`, tool], { encoding: 'utf8' });
  return iptablesChains(parseSave(text), family);
}

const builtInChains = {
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const;

/** The tables as they would be in a kernel that held nothing before. */
function compileTables(ports: readonly PortPlan[], settings: TrafficSettings): TableContent[] {
  const fixed = compileFixed(settings);
  const programs = ports.map((port) => compilePort(port, settings, { endpointComments: true }));
  const shared = programs.flatMap((program) => program.shared);
  return (['nat', 'filter'] as const).map((name) => {
    const isHere = ({ table }: { readonly table: string }) => table === name;
    const chains = new Map<
      string,
      TableContent['chains'] extends ReadonlyMap<string, infer Content> ? Content : never
    >();
    for (const chain of builtInChains[name]) {
      // Each way in is put before those that are there already.
      const hooks = fixed.hooks.filter((hook) => isHere(hook) && hook.chain === chain).reverse();
      chains.set(chain, { policy: 'ACCEPT', rules: hooks.map(({ rule }) => rule) });
    }
    for (const { name: chain, tail } of fixed.sharedChains.filter(isHere)) {
      const own: Rule[] = shared.filter((one) => isHere(one) && one.chain === chain).map(({ rule }) => rule);
      chains.set(chain, { rules: [...own, ...tail] });
    }
    for (const { name: chain, rules } of [...fixed.chains, ...programs.flatMap((program) => program.chains)].filter(
      isHere,
    )) {
      chains.set(chain, { rules });
    }
    return { name, chains };
  });
}
