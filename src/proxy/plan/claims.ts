/**
 * Who has which frontend. The API server gives no two Services the same VIP port or node port, but events can tell of a
 * new owner before they tell that the old one is gone. The most senior claimant has it, so that the outcome does not
 * depend on the order of events; the others wait.
 */
export class FrontendClaims {
  readonly #owners = new Map<string, Claimant>();
  /** Only for frontends that more than one wants. */
  readonly #waiting = new Map<string, Claimant[]>();

  ownerOf(frontend: string): string | undefined {
    return this.#owners.get(frontend)?.port;
  }

  /** Returns the port that loses the frontend by this claim, if any. */
  claim(frontend: string, claimant: Claimant): string | undefined {
    const owner = this.#owners.get(frontend);
    if (owner === undefined || owner.port === claimant.port) {
      this.#owners.set(frontend, claimant);
      return undefined;
    }
    const waiting = (this.#waiting.get(frontend) ?? []).filter(({ port }) => port !== claimant.port);
    const claimantWins = bySeniority(claimant, owner) < 0;
    this.#waiting.set(frontend, [...waiting, claimantWins ? owner : claimant]);
    if (!claimantWins) return undefined;
    this.#owners.set(frontend, claimant);
    return owner.port;
  }

  /** Returns the port that gets the frontend by this release, if any. */
  release(frontend: string, port: string): string | undefined {
    const waiting = (this.#waiting.get(frontend) ?? []).filter((one) => one.port !== port).sort(bySeniority);
    const next = this.ownerOf(frontend) === port ? waiting.shift() : undefined;
    if (next !== undefined) this.#owners.set(frontend, next);
    else if (this.ownerOf(frontend) === port) this.#owners.delete(frontend);
    if (waiting.length > 0) this.#waiting.set(frontend, waiting);
    else this.#waiting.delete(frontend);
    return next?.port;
  }
}

export interface Claimant {
  /** `portNameText`. */
  readonly port: string;
  readonly since: string;
}

function bySeniority(a: Claimant, b: Claimant): number {
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return a.port < b.port ? -1 : 1;
}
