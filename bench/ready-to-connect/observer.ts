import type { Sightings } from './cluster.ts';
import { podKey, sliceKeyPrefix } from './objects.ts';

/** Where a change was seen, in the order of the road; readings of the machine's monotonic clock. */
export interface Passage {
  readonly podStoredMs: number;
  readonly sliceStoredMs: number;
  readonly programmedMs: number;
  /** What the proxy spent between its event and the kernel's acknowledgement. */
  readonly workedMs: number;
}

type Partly = { -readonly [Name in keyof Passage]?: Passage[Name] };

interface Expectation {
  readonly fromMs: number;
  readonly seen: Partly;
  readonly complete: PromiseWithResolvers<Passage>;
}

/** Follows one change at a time. */
export class Observer implements Sightings {
  #expected: Expectation | undefined;

  /** Resolves when a change made at `fromMs` or later has passed everywhere. */
  expect(fromMs: number): Promise<Passage> {
    this.#expected = { fromMs, seen: {}, complete: Promise.withResolvers() };
    return this.#expected.complete.promise;
  }

  /** For the message of a change that does not arrive. */
  get seen(): string {
    return Object.keys(this.#expected?.seen ?? {}).join(', ') || 'nothing';
  }

  onStored(keys: readonly string[], atMs: number): void {
    if (keys.includes(podKey)) this.#note(atMs, { podStoredMs: atMs });
    if (keys.some((key) => key.startsWith(sliceKeyPrefix))) this.#note(atMs, { sliceStoredMs: atMs });
  }

  onProgrammed(atMs: number, workedMs: number): void {
    this.#note(atMs, { programmedMs: atMs, workedMs });
  }

  /** The first sighting of each kind counts. */
  #note(atMs: number, sighting: Partly): void {
    if (!this.#expected || atMs < this.#expected.fromMs) return;
    const { seen, complete } = this.#expected;
    Object.assign(seen, { ...sighting, ...seen });
    if (isWhole(seen)) complete.resolve(seen);
  }
}

const isWhole = (seen: Partly): seen is Passage =>
  seen.podStoredMs !== undefined && seen.sliceStoredMs !== undefined && seen.programmedMs !== undefined;
