import { KernelError } from '../../kernel/errors.ts';
import type { Dataplane, Found, TrafficSettings, Written } from '../dataplane/port.ts';
import type { PortChange } from '../diff/mod.ts';
import { endpointText, frontendText, type PortPlan, routeOf } from '../plan/mod.ts';

/** A dataplane without a kernel: remembers what it was told, and fails when the test says so. */
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
  /** What "the kernel" holds: endpoints by frontend. */
  readonly state = new Map<string, string[]>();

  configure(settings: TrafficSettings): void {
    this.settings = settings;
  }

  read(): Found {
    this.#called('read');
    return { exists: this.state.size > 0, groups: new Map() };
  }

  converge(_found: Found, ports: Iterable<PortPlan>): Written {
    this.#called('converge');
    const before = JSON.stringify([...this.state].sort());
    this.state.clear();
    for (const port of ports) this.#put(port);
    this.drifted = false;
    const isSame = JSON.stringify([...this.state].sort()) === before;
    return isSame ? { messages: 0, bytes: 0 } : { messages: 10, bytes: 1000 };
  }

  apply(changes: readonly PortChange[]): Written {
    this.#called('apply');
    for (const { before, after } of changes) {
      for (const frontend of before?.frontends ?? []) this.state.delete(frontendText(frontend, before!.name.protocol));
      if (after) this.#put(after);
    }
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
    this.state.clear();
  }

  describe(): string {
    return '';
  }

  close(): void {
    this.closed = true;
  }

  #put(port: PortPlan): void {
    for (const frontend of port.frontends) {
      const group = routeOf(port, frontend).policy === 'Local' ? port.local : port.cluster;
      this.state.set(frontendText(frontend, port.name.protocol), (group?.endpoints ?? []).map(endpointText));
    }
  }

  #called(name: keyof Dataplane): void {
    this.calls.push(name);
    const index = this.failing.indexOf(name);
    if (index < 0) return;
    this.failing.splice(index, 1);
    throw new KernelError(`Fake ${name}`, { code: 'ENOBUFS', number: 105 });
  }
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
