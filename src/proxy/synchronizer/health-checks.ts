import type { Family, ServiceDraft } from '../plan/mod.ts';
import type { HealthCheckResponder } from '../ports.ts';

type Counted = NonNullable<ServiceDraft['healthCheck']>;

/** Puts together what the families' plans say of a Service, and passes on only what is new. */
export class HealthChecks {
  readonly #responder: HealthCheckResponder | undefined;
  readonly #byService = new Map<string, Map<Family, Counted>>();

  constructor(responder: HealthCheckResponder | undefined) {
    this.#responder = responder;
  }

  planned(service: string, family: Family, counted: Counted | undefined): void {
    const known = this.#byService.get(service);
    if (known === undefined && counted === undefined) return;
    const counts = new Map(known);
    if (counted) counts.set(family, counted);
    else counts.delete(family);
    if (counts.size > 0) this.#byService.set(service, counts);
    else this.#byService.delete(service);
    this.#report(service, known && total(known), total(counts));
  }

  #report(service: string, before: Counted | undefined, after: Counted | undefined): void {
    if (after === undefined) this.#responder?.delete(service);
    else if (before?.nodePort !== after.nodePort || before.localEndpoints !== after.localEndpoints) {
      this.#responder?.set({ service, ...after });
    }
  }
}

/** A dual-stack Pod is counted in both families: the count is that of the family that has more. */
function total(counts: ReadonlyMap<Family, Counted>): Counted | undefined {
  let most: Counted | undefined;
  for (const one of counts.values()) if (most === undefined || one.localEndpoints > most.localEndpoints) most = one;
  return most;
}
