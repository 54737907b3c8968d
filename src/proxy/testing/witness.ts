import type { Found, Written } from '../dataplane/port.ts';
import type { PortChange } from '../diff/mod.ts';
import type { PortPlan } from '../plan/mod.ts';
import { FakeDataplane } from './fake-dataplane.ts';

/** A fake dataplane that keeps a list of every endpoint that was taken from a frontend, and when rules vanish as a whole. */
export class Witness extends FakeDataplane {
  /** `10.96.0.1:80/TCP lost 10.0.0.1:9376`, in order. */
  readonly losses: string[] = [];
  cleanups = 0;
  writes = 0;

  override converge(found: Found, ports: Iterable<PortPlan>): Written {
    return this.#watched(() => super.converge(found, ports));
  }

  override apply(changes: readonly PortChange[]): Written {
    return this.#watched(() => super.apply(changes));
  }

  override cleanup(): void {
    this.cleanups++;
    super.cleanup();
  }

  #watched(write: () => Written): Written {
    const before = new Map(this.state);
    const written = write();
    if (written.messages > 0) this.writes++;
    for (const [frontend, endpoints] of before) {
      const after = this.state.get(frontend) ?? [];
      const lost = endpoints.filter((endpoint) => !after.includes(endpoint));
      this.losses.push(...lost.map((endpoint) => `${frontend} lost ${endpoint}`));
    }
    return written;
  }
}
