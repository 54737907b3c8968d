/**
 * Who has which frontend. The API server gives no two Services the same VIP port or node port, but events can tell of a
 * new owner before they tell that the old one is gone. An external IP anybody can write into a Service. The most
 * senior claimant has it, so that the outcome does not depend on the order of events; the others wait.
 */
export class FrontendClaims {
  readonly #owners = new Map<string, Claimant>();
  /** Only for frontends that more than one wants; the most senior first. */
  readonly #waiting = new Map<string, readonly Claimant[]>();

  ownerOf(frontend: string): string | undefined {
    return this.#owners.get(frontend)?.port;
  }

  /** Returns the ports, the claimant aside, that lose or get the frontend by this. */
  claim(frontend: string, claimant: Claimant): string[] {
    return this.#settle(frontend, claimant.port, [...this.#othersThan(claimant.port, frontend), claimant]);
  }

  /** Returns the port that gets the frontend by this release, if any. */
  release(frontend: string, port: string): string[] {
    return this.#settle(frontend, port, this.#othersThan(port, frontend));
  }

  #othersThan(port: string, frontend: string): Claimant[] {
    const owner = this.#owners.get(frontend);
    const all = owner ? [owner, ...(this.#waiting.get(frontend) ?? [])] : [];
    return all.filter((one) => one.port !== port);
  }

  #settle(frontend: string, mover: string, claimants: Claimant[]): string[] {
    const [before, [owner, ...waiting]] = [this.ownerOf(frontend), claimants.sort(bySeniority)];
    if (owner) this.#owners.set(frontend, owner);
    else this.#owners.delete(frontend);
    if (waiting.length > 0) this.#waiting.set(frontend, waiting);
    else this.#waiting.delete(frontend);
    if (before === owner?.port) return [];
    return [before, owner?.port].filter((port) => port !== undefined && port !== mover) as string[];
  }
}

export interface Claimant {
  /** `portNameText`. */
  readonly port: string;
  /** The API server gave it the address, for nobody else; others may only have written it into their spec (CVE-2020-8554). */
  readonly allocated: boolean;
  readonly since: string;
}

function bySeniority(a: Claimant, b: Claimant): number {
  if (a.allocated !== b.allocated) return a.allocated ? -1 : 1;
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return a.port < b.port ? -1 : 1;
}
