import type { ServiceEntry } from './service-entry.ts';

export interface NamespaceOptions {
  /** Only these are answered for; undefined: all. */
  readonly namespaces?: readonly string[] | undefined;
  /** Namespaces are selected by their labels: one that was not listed is not answered for, whatever Services it has. */
  readonly onlyListedNamespaces?: boolean | undefined;
}

interface Holding {
  /** The Namespace object is there. */
  isListed: boolean;
  readonly entries: Map<string, ServiceEntry>;
  /** Entries whose Service is there; the others only have slices. */
  services: number;
}

/** What is there by namespace: the Namespaces that exist, are to be answered for, and their Services by name. */
export class NamespaceIndex {
  readonly #only: ReadonlySet<string> | undefined;
  readonly #onlyListed: boolean;
  readonly #holdings = new Map<string, Holding>();
  #entryCount = 0;

  constructor({ namespaces, onlyListedNamespaces }: NamespaceOptions) {
    this.#only = namespaces && new Set(namespaces);
    this.#onlyListed = onlyListedNamespaces === true;
  }

  /**
   * Whether names in it are answered for. The watch on Services may run ahead of the one on Namespaces: a Service proves
   * its Namespace.
   */
  has(namespace: string): boolean {
    const holding = this.#holdings.get(namespace);
    if (!holding || (this.#only && !this.#only.has(namespace))) return false;
    return holding.isListed || (holding.services > 0 && !this.#onlyListed);
  }

  /** There, but not to be answered for. */
  isPassedOver(namespace: string): boolean {
    return this.#holdings.has(namespace) && !this.has(namespace);
  }

  /** Undefined too for a Service in a namespace that is not answered for. */
  entry(namespace: string, service: string): ServiceEntry | undefined {
    const entry = this.#holdings.get(namespace)?.entries.get(service);
    return entry && this.has(namespace) ? entry : undefined;
  }

  /** Those that are answered for. */
  *names(): Generator<string> {
    for (const namespace of this.#holdings.keys()) if (this.has(namespace)) yield namespace;
  }

  *entriesOf(namespace: string): Generator<ServiceEntry> {
    if (this.has(namespace)) yield* this.allEntriesOf(namespace);
  }

  /** Whether they are answered for or not. */
  allEntriesOf(namespace: string): Iterable<ServiceEntry> {
    return this.#holdings.get(namespace)?.entries.values() ?? [];
  }

  setListed(namespace: string, isListed: boolean): void {
    if (isListed) this.#holding(namespace).isListed = true;
    else this.#update(namespace, (holding) => (holding.isListed = false));
  }

  /** The entry of `namespace/name`, made when there is none. */
  getOrCreate(key: string, create: (namespace: string, name: string) => ServiceEntry): ServiceEntry {
    const [namespace, name] = partsOf(key);
    const { entries } = this.#holding(namespace);
    let entry = entries.get(name);
    if (!entry) {
      entry = create(namespace, name);
      entries.set(name, entry);
      this.#entryCount++;
    }
    return entry;
  }

  countService({ namespace }: ServiceEntry, by: number): void {
    this.#update(namespace, (holding) => (holding.services += by));
  }

  delete({ namespace, name }: ServiceEntry): void {
    this.#update(namespace, ({ entries }) => {
      if (entries.delete(name)) this.#entryCount--;
    });
  }

  get size(): { services: number; namespaces: number } {
    let namespaces = 0;
    for (const { isListed } of this.#holdings.values()) if (isListed) namespaces++;
    return { services: this.#entryCount, namespaces };
  }

  #holding(namespace: string): Holding {
    let holding = this.#holdings.get(namespace);
    if (!holding) {
      holding = { isListed: false, entries: new Map(), services: 0 };
      this.#holdings.set(namespace, holding);
    }
    return holding;
  }

  #update(namespace: string, change: (holding: Holding) => void): void {
    const holding = this.#holdings.get(namespace);
    if (!holding) return;
    change(holding);
    if (!holding.isListed && holding.entries.size === 0) this.#holdings.delete(namespace);
  }
}

export function partsOf(key: string): [string, string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
