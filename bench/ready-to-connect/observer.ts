import type { EndpointSlice, Pod } from '../../src/kube/mod.ts';
import type { Sightings } from './cluster.ts';

/** Where a change was seen, in the order of the road; `clock.monotonicMs`. */
export interface Passage {
  readonly podMs: number;
  readonly sliceMs: number;
  readonly committedMs: number;
  /** What the proxy spent between its event and the kernel's acknowledgement. */
  readonly workedMs: number;
}

type Partly = { -readonly [Name in keyof Passage]?: Passage[Name] };

interface Expectation {
  readonly ready: boolean;
  readonly fromMs: number;
  readonly seen: Partly;
  readonly complete: PromiseWithResolvers<Passage>;
}

/** Follows one change at a time. */
export class Observer implements Sightings {
  #expected: Expectation | undefined;

  /** Resolves when a change of the Pod to this readiness, made at `fromMs` or later, has passed everywhere. */
  expect(ready: boolean, fromMs: number): Promise<Passage> {
    this.#expected = { ready, fromMs, seen: {}, complete: Promise.withResolvers() };
    return this.#expected.complete.promise;
  }

  /** For the message of a change that does not arrive. */
  get seen(): string {
    return Object.keys(this.#expected?.seen ?? {}).join(', ') || 'nothing';
  }

  onPod({ status }: Pod, atMs: number): void {
    const wanted = this.#expected?.ready ? 'True' : 'False';
    const isWanted = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === wanted);
    if (isWanted) this.#note({ podMs: atMs });
  }

  onSlice({ endpoints }: EndpointSlice, atMs: number): void {
    const wanted = this.#expected?.ready;
    if (endpoints.some(({ conditions }) => conditions?.ready === wanted)) this.#note({ sliceMs: atMs });
  }

  onCommit(committedMs: number, workedMs: number): void {
    if (committedMs >= (this.#expected?.fromMs ?? Number.POSITIVE_INFINITY)) this.#note({ committedMs, workedMs });
  }

  /** The first sighting of each kind counts. */
  #note(sighting: Partly): void {
    if (!this.#expected) return;
    const { seen, complete } = this.#expected;
    Object.assign(seen, { ...sighting, ...seen });
    if (isWhole(seen)) complete.resolve(seen);
  }
}

const isWhole = (seen: Partly): seen is Passage =>
  seen.podMs !== undefined && seen.sliceMs !== undefined && seen.committedMs !== undefined;
