import { parseResolvConf } from '../../../kube/port.ts';
import { encodeName, isWithin, MalformedMessageError, nameKey } from '../../../wire/dns/mod.ts';
import type { PodClaim, PodOwners } from '../../zone/mod.ts';

/** Where a client looks for names, as keys. */
export interface SearchPath {
  /** The client asks for names below this one first. */
  readonly first: string;
  /** Then below these, the root at last. */
  readonly others: readonly string[];
  /** False once the client may be another one. */
  holds(): boolean;
}

/** The search list of the client with this address, if the name with this key is one that it asks for first. */
export type SearchSource = (address: string, key: string) => SearchPath | undefined;

const root = '\0';
/** As many as Kubernetes lets a Pod have (validation.MaxDNSSearchPaths). */
const mostSearches = 32;

function createPath(searches: readonly string[], holds: () => boolean): SearchPath | undefined {
  const [first, ...others] = [...new Set(searches.flatMap((text) => tryKey(text) ?? []))].slice(0, mostSearches);
  return first === undefined ? undefined : { first, others: [...others.filter((key) => key !== root), root], holds };
}

function tryKey(text: string): string | undefined {
  try {
    return nameKey(encodeName(text));
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}

/** The same list for every client: the one of a resolv.conf file, as it stands now. */
export class FileSearch {
  #path: SearchPath | undefined;

  read(text: string): void {
    this.#path = createPath(parseResolvConf(text).searches, () => true);
  }

  readonly source: SearchSource = () => this.#path;
}

export interface PodSearchOptions {
  readonly owners: PodOwners;
  /** The cluster's: `cluster.local`. */
  readonly domains: readonly string[];
  /** False while nobody can be sure who has an address: not listed yet, or not heard of for long. */
  readonly isCurrent: () => boolean;
  /** In milliseconds of the epoch. */
  readonly now: () => number;
}

/**
 * How long a Pod must have had its address. Several servers answer one Pod, and not all hear of it at the same time: a
 * client that asks one of them for A and another for AAAA must not be told that the name exists by one and not by the
 * other (coredns issue 7179).
 */
export const settlingMs = 10_000;

/** The list that the kubelet gives the client's Pod. */
export class PodSearch {
  readonly #options: PodSearchOptions;
  #hostSearches: readonly string[] = [];
  #paths = new WeakMap<PodClaim, readonly SearchPath[]>();

  constructor(options: PodSearchOptions) {
    this.#options = options;
  }

  /** Takes the search domains of the nodes from this server's own resolv.conf, which is a node's. */
  readHost(text: string): void {
    this.#hostSearches = parseResolvConf(text).searches;
    this.#paths = new WeakMap();
  }

  readonly source: SearchSource = (address, key) => {
    const claim = this.#claimOf(address);
    return claim && this.#pathsOf(claim, address).find(({ first }) => isWithin(key, first));
  };

  #claimOf(address: string): PodClaim | undefined {
    const { owners, isCurrent, now } = this.#options;
    const claim = owners.ownerOf(address);
    return claim && now() - claim.sinceMs >= settlingMs && isCurrent() ? claim : undefined;
  }

  #pathsOf(claim: PodClaim, address: string): readonly SearchPath[] {
    const known = this.#paths.get(claim);
    if (known) return known;
    const paths = this.#options.domains.flatMap((domain) => this.#pathOf(claim, address, domain) ?? []);
    this.#paths.set(claim, paths);
    return paths;
  }

  #pathOf(claim: PodClaim, address: string, domain: string): SearchPath | undefined {
    const own = [`${claim.namespace}.svc.${domain}`, `svc.${domain}`, domain];
    // A server that is itself a Pod of the cluster has its own namespace's domain there, which is nobody else's.
    const isOurs = (search: string) => `.${search}`.toLowerCase().endsWith(`.${domain}`);
    const others = [...this.#hostSearches.filter((search) => !isOurs(search)), ...claim.searches];
    return createPath([...own, ...others], () => this.#claimOf(address) === claim);
  }
}
