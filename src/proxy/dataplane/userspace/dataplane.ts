import assert from 'node:assert/strict';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import { type RunTool, raiseFileLimit, runTool as runRealTool } from '../../../kernel/mod.ts';
import type { PortChange } from '../../diff/mod.ts';
import { type Family, type PortPlan, portNameText } from '../../plan/mod.ts';
import {
  type Dataplane,
  type Found,
  nothingWritten,
  type Relaying,
  type TrafficSettings,
  type Written,
} from '../port.ts';
import { compilePort } from './compile-port.ts';
import { compileJumps } from './compile-static.ts';
import { type FoundRules, foundRules } from './found-rules.ts';
import { createIptablesTool, type IptablesTool } from './iptables-tool.ts';
import { Chain } from './layout.ts';
import { PumpThread } from './pump-thread.ts';
import { Relays, type RelaysContext } from './relays.ts';
import {
  describeRules,
  type PortRules,
  printRules,
  type RestoreInput,
  restoreAll,
  restoreChanges,
  restoreNothing,
} from './rule-set.ts';
import { createSockets, type Sockets } from './sockets.ts';

export interface UserspaceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly family: Family;
  /** Path of the network namespace to program and to relay in; default: the process's own. */
  readonly netns?: string;
  /** Runs iptables' tools; default: the real one. */
  readonly runTool?: RunTool;
}

/** As upstream's userspace mode asked for; a relayed connection takes two. */
const wantedDescriptors = 64_000;

/** For pipes of slow connections (two each), UDP sessions, listeners, and what the rest of the process has open. */
const reservedDescriptors = 1000;

/**
 * Relays in this process, to which iptables rules lead: traffic ends with the process. Throws OperatingError: `EPERM`
 * without the right to program the kernel, `unsupported` where iptables is not installed.
 */
export function createUserspaceDataplane({
  family,
  netns,
  runTool = runRealTool,
  ...context
}: UserspaceOptions): Dataplane {
  const tool = createIptablesTool(runTool, family, netns);
  tool.save();
  const openFiles = raiseFileLimit(wantedDescriptors);
  if (openFiles < wantedDescriptors) {
    context.log.warn('Each relayed connection takes two open files, of which there are few', { openFiles });
  }
  const connectionsLimit = Math.max(1, Math.floor((openFiles - reservedDescriptors) / 2));
  const pump = new PumpThread({ netns, connectionsLimit });
  return new UserspaceDataplane(tool, { ...context, netns, pump, sockets: createSockets(netns) });
}

class UserspaceDataplane implements Dataplane {
  readonly name = 'userspace';
  readonly relaying: Relaying;
  readonly #tool: IptablesTool;
  readonly #sockets: Sockets;
  readonly #relays: Relays;
  #settings: TrafficSettings | undefined;
  #hostAddress: string | undefined;
  /** What was written for each port, by its name. */
  readonly #written = new Map<string, PortRules>();

  constructor(tool: IptablesTool, context: RelaysContext) {
    this.#tool = tool;
    this.#sockets = context.sockets;
    this.#relays = new Relays(context);
    this.relaying = {
      drain: () => this.close(),
      end: () => {
        this.close();
        return context.pump.end();
      },
    };
  }

  configure(settings: TrafficSettings): void {
    this.#settings = settings;
  }

  read(): FoundRules {
    return foundRules(this.#tool.save());
  }

  converge(found: Found, ports: Iterable<PortPlan>): Written {
    this.#hostAddress = this.#sockets.hostAddress(this.#configured.family);
    const wanted = [...ports];
    for (const port of wanted) this.#relays.update(port);
    this.#relays.retain(wanted);
    this.#written.clear();
    for (const port of wanted) this.#written.set(portNameText(port.name), this.#rulesOf(port));
    const written = this.#restore(restoreAll(found as FoundRules, this.#rules(), compileJumps(this.#configured)));
    this.#relays.closeRetired();
    return written;
  }

  apply(changes: readonly PortChange[]): Written {
    for (const { before, after } of changes) {
      if (after) this.#relays.update(after);
      else this.#relays.remove(before!);
    }
    const written = this.#restore(restoreChanges(changes.map((change) => this.#replaceRules(change))));
    this.#relays.closeRetired();
    return written;
  }

  mayHaveDrifted(): boolean {
    if (this.#hostAddress !== this.#sockets.hostAddress(this.#configured.family)) return true;
    return restoreAll(this.read(), this.#rules(), compileJumps(this.#configured)).commands > 0;
  }

  cleanup(): void {
    this.#restore(restoreNothing(this.read()));
    this.#written.clear();
    this.#relays.retain([]);
    this.#relays.closeRetired();
  }

  describe(ports: Iterable<PortPlan>): string {
    const rules = mergeRules([...ports].map((port) => this.#rulesOf(port)));
    return describeRules(rules, compileJumps(this.#configured));
  }

  close(): void {
    this.#written.clear();
    this.#relays.close();
  }

  get #configured(): TrafficSettings {
    assert(this.#settings, 'The dataplane has not been configured');
    return this.#settings;
  }

  #rulesOf(port: PortPlan): PortRules {
    const relayPortOf = (policy: 'Cluster' | 'Local') => this.#relays.portOf(port, policy);
    return printRules(compilePort(port, { settings: this.#configured, hostAddress: this.#hostAddress, relayPortOf }));
  }

  #replaceRules({ before, after }: PortChange): { before: PortRules; after: PortRules } {
    const key = portNameText((after ?? before!).name);
    const change = { before: this.#written.get(key) ?? noRules, after: after ? this.#rulesOf(after) : noRules };
    if (after) this.#written.set(key, change.after);
    else this.#written.delete(key);
    return change;
  }

  #rules(): PortRules[] {
    return [...this.#written.values()];
  }

  #restore({ text, commands }: RestoreInput): Written {
    if (commands === 0) return nothingWritten;
    this.#tool.restore(text);
    return { messages: commands, bytes: text.length };
  }
}

const noRules: PortRules = new Map();

function mergeRules(all: readonly PortRules[]): PortRules {
  const merged = new Map<Chain, string[]>(Object.values(Chain).map((chain) => [chain, []]));
  for (const rules of all) for (const [chain, texts] of rules) merged.get(chain)!.push(...texts);
  return merged;
}
