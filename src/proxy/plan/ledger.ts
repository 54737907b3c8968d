import { FrontendClaims } from './claims.ts';
import {
  type EndpointGroup,
  type FoundGroup,
  type FoundGroups,
  type Frontend,
  frontendText,
  type GroupDraft,
  type PortDraft,
  type PortPlan,
  portNameText,
} from './model.ts';
import { assignSlots } from './slots.ts';

/** One port before and after an update; a port that is new or gone has only one of them. */
export interface PortPair {
  readonly before?: PortPlan;
  readonly after?: PortPlan;
}

/** Ids end up as 32-bit keys; one out of the upper half is nobody's but a vandal's. */
const adoptableIdLimit = 0x7fffffff;

/**
 * The plan of the whole node, Service by Service: settles what a draft leaves open (id, slots, who has a frontend that
 * two want) and remembers it. An update costs what the Service costs, never what the cluster does.
 */
export class Ledger {
  readonly #ports = new Map<string, PortPlan>();
  readonly #portsByService = new Map<string, readonly string[]>();
  readonly #claims = new FrontendClaims();
  #lastId = 0;
  #found: FoundGroups = new Map();
  readonly #adoptedIds = new Set<number>();

  /** From now until `endAdoption`, new ports take over the ids and the slots that their frontends had in the kernel. */
  beginAdoption(found: FoundGroups): void {
    this.#found = found;
    for (const { cluster, local } of found.values()) {
      for (const group of [cluster, local]) {
        if (group && group.id <= adoptableIdLimit) this.#lastId = Math.max(this.#lastId, group.id);
      }
    }
  }

  endAdoption(): void {
    this.#found = new Map();
    this.#adoptedIds.clear();
  }

  get size(): number {
    return this.#ports.size;
  }

  ports(): IterableIterator<PortPlan> {
    return this.#ports.values();
  }

  services(): IterableIterator<string> {
    return this.#portsByService.keys();
  }

  /** Replaces what is planned for one Service (`namespace/name`). Ports of other Services appear where a frontend changes hands. */
  update(service: string, drafts: readonly PortDraft[]): PortPair[] {
    const wanted = new Map(drafts.map((draft) => [portNameText(draft.name), draft]));
    const known = this.#portsByService.get(service) ?? [];
    const before = new Map<string, PortPlan | undefined>();
    const touch = (port: string) => {
      if (!before.has(port)) before.set(port, this.#ports.get(port));
    };
    for (const port of [...known, ...wanted.keys()]) touch(port);
    for (const port of known) this.#releaseUnwanted(port, wanted.get(port)).forEach(touch);
    for (const [port, draft] of wanted) this.#claim(port, draft).forEach(touch);
    for (const port of before.keys()) this.#settle(port, wanted.get(port), known.includes(port));

    if (wanted.size > 0) this.#portsByService.set(service, [...wanted.keys()]);
    else this.#portsByService.delete(service);
    return [...before]
      .map(([port, plan]) => pair(plan, this.#ports.get(port)))
      .filter(({ before, after }) => before ?? after);
  }

  #releaseUnwanted(port: string, draft: PortDraft | undefined): string[] {
    const plan = this.#ports.get(port)!;
    const kept = new Set(draft?.frontends.map((frontend) => frontendText(frontend, plan.name.protocol)));
    return frontendTexts(plan)
      .filter((frontend) => !kept.has(frontend))
      .flatMap((frontend) => this.#claims.release(frontend, port));
  }

  #claim(port: string, { name, frontends, since }: PortDraft): string[] {
    return frontends.flatMap((frontend) => {
      const allocated = frontend.kind === 'cluster-ip' || frontend.kind === 'node-port';
      return this.#claims.claim(frontendText(frontend, name.protocol), { port, since, allocated });
    });
  }

  /** Writes a port's plan anew, from its draft or, for a port of another Service, from what is planned already. */
  #settle(port: string, draft: PortDraft | undefined, isKnown: boolean): void {
    const before = this.#ports.get(port);
    if (draft === undefined && isKnown) {
      this.#ports.delete(port);
      return;
    }
    const source = draft ?? { ...before!, frontends: [...before!.frontends, ...before!.refused] };
    const owns = (frontend: Frontend) => this.#claims.ownerOf(frontendText(frontend, source.name.protocol)) === port;
    const { cluster, local, ...rest } = source;
    this.#ports.set(port, {
      ...rest,
      frontends: source.frontends.filter(owns),
      refused: source.frontends.filter((frontend) => !owns(frontend)),
      ...(cluster && { cluster: this.#seat(cluster, before?.cluster, 'cluster', source) }),
      ...(local && { local: this.#seat(local, before?.local, 'local', source) }),
    });
  }

  #seat(
    wanted: GroupDraft,
    before: EndpointGroup | undefined,
    group: 'cluster' | 'local',
    port: PortDraft | PortPlan,
  ): EndpointGroup {
    if (wanted === before) return before;
    const seat = before ?? this.#adopted(group, port) ?? { id: ++this.#lastId, endpoints: [] };
    return { id: seat.id, endpoints: assignSlots(seat.endpoints, wanted.endpoints), leftOut: wanted.leftOut };
  }

  #adopted(group: 'cluster' | 'local', { name, frontends }: PortDraft | PortPlan): FoundGroup | undefined {
    if (this.#found.size === 0) return undefined;
    for (const frontend of frontends) {
      const found = this.#found.get(frontendText(frontend, name.protocol))?.[group];
      // Two groups that shared an id would share endpoints: it goes to one of them only.
      if (found === undefined || found.id > adoptableIdLimit || this.#adoptedIds.has(found.id)) continue;
      this.#adoptedIds.add(found.id);
      return found;
    }
    return undefined;
  }
}

/** Of several updates in a row, each port's first before and last after: a frontend may change hands twice on the way. */
export function mergePairs(updates: readonly PortPair[]): PortPair[] {
  const merged = new Map<string, PortPair>();
  for (const { before, after } of updates) {
    const port = portNameText((after ?? before)!.name);
    const first = merged.get(port);
    merged.set(port, pair(first ? first.before : before, after));
  }
  return [...merged.values()].filter(({ before, after }) => before ?? after);
}

const frontendTexts = ({ name, frontends, refused }: PortPlan): string[] =>
  [...frontends, ...refused].map((frontend) => frontendText(frontend, name.protocol));

const pair = (before: PortPlan | undefined, after: PortPlan | undefined): PortPair => ({
  ...(before && { before }),
  ...(after && { after }),
});
