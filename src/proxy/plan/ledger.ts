import { FrontendClaims } from './claims.ts';
import {
  type FoundGroup,
  type FoundGroups,
  frontendText,
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

  /** From now until `endAdoption`, new ports take over the id and the slots that their frontends had in the kernel. */
  beginAdoption(found: FoundGroups): void {
    this.#found = new Map([...found].filter(([, { id }]) => id <= adoptableIdLimit));
    for (const { id } of this.#found.values()) this.#lastId = Math.max(this.#lastId, id);
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
    return frontends.flatMap((frontend) => this.#claims.claim(frontendText(frontend, name.protocol), { port, since }));
  }

  /** Writes a port's plan anew, from its draft or, for a port of another Service, from what is planned already. */
  #settle(port: string, draft: PortDraft | undefined, isKnown: boolean): void {
    const before = this.#ports.get(port);
    if (draft === undefined && isKnown) {
      this.#ports.delete(port);
      return;
    }
    const source = draft ?? { ...before!, frontends: [...before!.frontends, ...before!.refused] };
    const owns = (frontend: PortPlan['frontends'][number]) =>
      this.#claims.ownerOf(frontendText(frontend, source.name.protocol)) === port;
    const seat = before ?? this.#adopted(source) ?? { id: ++this.#lastId, endpoints: [] };
    this.#ports.set(port, {
      name: source.name,
      since: source.since,
      id: seat.id,
      frontends: source.frontends.filter(owns),
      refused: source.frontends.filter((frontend) => !owns(frontend)),
      endpoints: draft ? assignSlots(seat.endpoints, draft.endpoints) : before!.endpoints,
      leftOut: source.leftOut,
    });
  }

  #adopted({ name, frontends }: PortDraft | PortPlan): FoundGroup | undefined {
    if (this.#found.size === 0) return undefined;
    const groups = frontends.map((frontend) => this.#found.get(frontendText(frontend, name.protocol)));
    // Two ports that shared an id would share endpoints: a group goes to one port only.
    const group = groups.find((one) => one !== undefined && !this.#adoptedIds.has(one.id));
    if (group) this.#adoptedIds.add(group.id);
    return group;
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
