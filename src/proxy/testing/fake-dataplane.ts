import { KernelError } from '../../kernel/errors.ts';
import type { Dataplane, Found, TrafficSettings, Written } from '../dataplane/port.ts';
import { diff, type PortChange } from '../diff/mod.ts';
import { type Endpoint, endpointText, type Frontend, frontendText, type PortPlan, routeOf } from '../plan/mod.ts';

/** What "the kernel" knows of one frontend. */
interface Entry {
  readonly route: string;
  readonly cluster?: number;
  readonly local?: number;
  readonly isLocal: boolean;
}

/**
 * A dataplane without a kernel: follows the changes to the letter, slot by slot, remembers what it was told, and fails
 * when the test says so.
 */
export class FakeDataplane implements Dataplane {
  readonly name = 'nftables';
  readonly calls: string[] = [];
  /** The next calls of these names fail, one for each mention. */
  failing: (keyof Dataplane)[] = [];
  drifted = false;
  closed = false;
  /** Somebody else changes something, and the kernel tells. */
  notice: () => void = () => {};
  settings: TrafficSettings | undefined;
  readonly #frontends = new Map<string, Entry>();
  readonly #slots = new Map<string, string>();

  configure(settings: TrafficSettings): void {
    this.settings = settings;
  }

  /** Endpoints that clients from outside find by frontend, sorted. */
  get state(): Map<string, string[]> {
    const ends = ({ isLocal, cluster, local }: Entry) => this.#endpointsOf(isLocal ? local : cluster);
    return new Map([...this.#frontends].map(([frontend, entry]) => [frontend, ends(entry)]));
  }

  /** All that there is, without ids. */
  get everything(): Map<string, unknown> {
    const all = ({ route, cluster, local }: Entry) => [route, this.#endpointsOf(cluster), this.#endpointsOf(local)];
    return new Map([...this.#frontends].map(([frontend, entry]) => [frontend, all(entry)]));
  }

  /** Somebody deletes everything. */
  lose(): void {
    this.#frontends.clear();
    this.#slots.clear();
    this.drifted = true;
  }

  read(): Found {
    this.#called('read');
    return { exists: this.#frontends.size > 0, groups: new Map() };
  }

  converge(_found: Found, ports: Iterable<PortPlan>): Written {
    this.#called('converge');
    const before = this.#dump();
    this.lose();
    this.#carryOut(diff([...ports].map((after) => ({ after }))));
    this.drifted = false;
    return this.#dump() === before ? { messages: 0, bytes: 0 } : { messages: 10, bytes: 1000 };
  }

  apply(changes: readonly PortChange[]): Written {
    this.#called('apply');
    this.#carryOut(changes);
    return { messages: 4, bytes: 200 };
  }

  mayHaveDrifted(): boolean {
    this.#called('mayHaveDrifted');
    return this.drifted;
  }

  watch(onForeignChange: () => void): void {
    this.notice = onForeignChange;
  }

  cleanup(): void {
    this.lose();
  }

  describe(): string {
    return '';
  }

  close(): void {
    this.closed = true;
  }

  #carryOut(changes: readonly PortChange[]): void {
    for (const { before, frontendsRemoved } of changes) {
      for (const frontend of frontendsRemoved) this.#frontends.delete(frontendText(frontend, before!.name.protocol));
    }
    for (const change of changes) {
      const { before, after, frontendsAdded, frontendsKept, aspects, slots } = change;
      for (const slot of slots) {
        if (slot.before) this.#slots.delete(slotKey(before!, slot));
      }
      for (const slot of slots) {
        if (slot.after) this.#slots.set(slotKey(after!, slot), endpointText(slot.after));
      }
      const rewritten = aspects.size > 0 ? [...frontendsAdded, ...frontendsKept] : frontendsAdded;
      for (const frontend of rewritten) {
        this.#frontends.set(frontendText(frontend, after!.name.protocol), entryOf(after!, frontend));
      }
    }
  }

  #endpointsOf(id: number | undefined): string[] {
    const endpoints: string[] = [];
    for (let slot = 0; this.#slots.has(`${id} ${slot}`); slot++) endpoints.push(this.#slots.get(`${id} ${slot}`)!);
    return endpoints.sort();
  }

  #dump = (): string => JSON.stringify([[...this.#frontends].sort(), [...this.#slots].sort()]);

  #called(name: keyof Dataplane): void {
    this.calls.push(name);
    const index = this.failing.indexOf(name);
    if (index < 0) return;
    this.failing.splice(index, 1);
    throw new KernelError(`Fake ${name}`, { code: 'ENOBUFS', number: 105 });
  }
}

function slotKey(port: PortPlan, { policy, slot }: { policy: string; slot: number; after?: Endpoint }): string {
  return `${(policy === 'Local' ? port.local : port.cluster)!.id} ${slot}`;
}

/** All that a port says of a frontend but its endpoints. */
export function routeText(port: PortPlan, frontend: Frontend): string {
  const { affinitySeconds, firewall, healthCheckNodePort } = port;
  return JSON.stringify([frontend.kind, routeOf(port, frontend), affinitySeconds, firewall, healthCheckNodePort]);
}

function entryOf(port: PortPlan, frontend: Frontend): Entry {
  const { cluster, local } = port;
  return {
    route: routeText(port, frontend),
    isLocal: routeOf(port, frontend).policy === 'Local',
    ...(cluster && { cluster: cluster.id }),
    ...(local && { local: local.id }),
  };
}

/** What a node without any choices made has. */
export const trafficSettings = (more: Partial<TrafficSettings> = {}): TrafficSettings => ({
  family: 'IPv4',
  masqueradeMark: 0x4000,
  masqueradeAll: false,
  randomFully: true,
  localDetector: { kind: 'none' },
  nodePorts: { localhost: false },
  dropInvalid: true,
  serviceRanges: [],
  ...more,
});
