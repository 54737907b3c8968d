import type { NamespaceIndex } from './namespaces.ts';

/** What one suggestion may cost at most, however large the cluster: it is made for names that anybody can invent. */
const longestSearch = 300;
/** Suggestions a second; whoever asks for missing names faster than people and programs do is told only what is missing. */
const perSecond = 50;
/** Names that differ in more letters are not what was meant. */
const farthest = 2;

/** Finds what somebody meant who asked for a Service that is not there. */
export class Suggestions {
  readonly #index: NamespaceIndex;
  readonly #nowSeconds: () => number;
  #second = 0;
  #madeInSecond = 0;

  constructor(index: NamespaceIndex, nowSeconds: () => number) {
    this.#index = index;
    this.#nowSeconds = nowSeconds;
  }

  /** `namespace/name` of the Service most like it in the namespace, else of one of that name in another. */
  nearest(namespace: string, service: string): string | undefined {
    if (!this.#mayMake()) return undefined;
    const near = this.#nearestIn(namespace, service);
    if (near) return `${namespace}/${near}`;
    const elsewhere = this.#namespaceWith(service, namespace);
    return elsewhere && `${elsewhere}/${service}`;
  }

  /** The namespace most like one that is not there. */
  nearestNamespace(namespace: string): string | undefined {
    return this.#mayMake() ? nearestOf(namespace, this.#index.names()) : undefined;
  }

  #mayMake(): boolean {
    const second = this.#nowSeconds();
    if (second !== this.#second) {
      this.#second = second;
      this.#madeInSecond = 0;
    }
    return this.#madeInSecond++ < perSecond;
  }

  #nearestIn(namespace: string, service: string): string | undefined {
    const entries = this.#index.entriesOf(namespace).filter((entry) => entry.service !== undefined);
    return nearestOf(
      service,
      entries.map(({ name }) => name),
    );
  }

  #namespaceWith(service: string, besides: string): string | undefined {
    let searched = 0;
    for (const namespace of this.#index.names()) {
      if (searched++ >= longestSearch) return undefined;
      if (namespace !== besides && this.#index.entry(namespace, service)?.service) return namespace;
    }
    return undefined;
  }
}

function nearestOf(wanted: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  // Two letters off in a name of three is another name.
  let distance = Math.min(farthest, Math.floor(wanted.length / 3)) + 1;
  let searched = 0;
  for (const name of names) {
    if (searched++ >= longestSearch) break;
    if (Math.abs(name.length - wanted.length) >= distance) continue;
    const found = editDistance(wanted, name, distance);
    if (found >= distance) continue;
    distance = found;
    nearest = name;
  }
  return nearest;
}

/** Letters to add, drop or change (Levenshtein), or `limit` when it is that many or more. */
export function editDistance(one: string, other: string, limit: number): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= other.length; column++) {
      const changed = above[column - 1]! + Number(one[row - 1] !== other[column - 1]);
      const distance = Math.min(changed, above[column]! + 1, current[column - 1]! + 1);
      current.push(distance);
      least = Math.min(least, distance);
    }
    if (least >= limit) return limit;
    above = current;
  }
  return Math.min(limit, above[other.length]!);
}
