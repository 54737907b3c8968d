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

  /**
   * `namespace/name` of the Service that is nearly of that name in the namespace, else of one of just that name in another
   * namespace, else of one that begins alike.
   */
  nearest(namespace: string, service: string): string | undefined {
    if (!this.#mayMake()) return undefined;
    const near = this.#nearestIn(namespace, service);
    if (near && isNearly(service, near.name, near.distance)) return `${namespace}/${near.name}`;
    const elsewhere = this.#namespaceWith(service, namespace);
    if (elsewhere) return `${elsewhere}/${service}`;
    return near && `${namespace}/${near.name}`;
  }

  /** The namespace most like one that is not there. */
  nearestNamespace(namespace: string): string | undefined {
    return this.#mayMake() ? nearestOf(namespace, this.#index.names())?.name : undefined;
  }

  #mayMake(): boolean {
    const second = this.#nowSeconds();
    if (second !== this.#second) {
      this.#second = second;
      this.#madeInSecond = 0;
    }
    return this.#madeInSecond++ < perSecond;
  }

  #nearestIn(namespace: string, service: string): Near | undefined {
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

interface Near {
  readonly name: string;
  readonly distance: number;
}

/** Two letters off in a name of three is another name, unless it begins with the same one: web, www. */
const isNearly = (wanted: string, name: string, distance: number): boolean =>
  distance <= wanted.length / 3 || (distance === 2 && isSwapped(wanted, name));

/** Two letters in each other's place: what typing fast makes of a name. */
function isSwapped(one: string, other: string): boolean {
  const at = [...one].findIndex((letter, index) => letter !== other[index]);
  return one.slice(at, at + 2) === `${other[at + 1]}${other[at]}` && one.slice(at + 2) === other.slice(at + 2);
}

function nearestOf(wanted: string, names: Iterable<string>): Near | undefined {
  let nearest: Near | undefined;
  let distance = Math.min(farthest + 1, wanted.length);
  let searched = 0;
  for (const name of names) {
    if (searched++ >= longestSearch) break;
    if (Math.abs(name.length - wanted.length) >= distance) continue;
    const found = editDistance(wanted, name, distance);
    if (found >= distance) continue;
    if (!isNearly(wanted, name, found) && name[0] !== wanted[0]) continue;
    distance = found;
    nearest = { name, distance };
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

export const orRather = (sentence: string, suggestion: string | undefined): string =>
  suggestion === undefined ? sentence : `${sentence}; did you mean ${suggestion}?`;
