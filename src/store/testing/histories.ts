import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isStoreError, type Operation, type Store } from '../mod.ts';
import { Model } from './model.ts';
import { Recorder } from './recorder.ts';

const keys = ['/a', '/a/1', '/a/2', '/ab', '/b/1', '/b/2', '/b/3'];
const prefixes = ['', '/a', '/a/', '/b/', '/c'];

/** An operation that is made to fit the state, or not to, when it is run: else few commits would succeed. */
interface Intent {
  readonly type: Operation['type'];
  readonly key: string;
  readonly value: string;
  readonly isRight: boolean;
}

/** Revisions are given as shares (0 to 1) of those that there are when the step is run. */
type Step =
  /** Commits that are all made before the first is awaited. */
  | { readonly type: 'commits'; readonly commits: readonly (readonly Intent[])[] }
  | {
      readonly type: 'list';
      readonly prefix: string;
      readonly at: number;
      readonly limit: number;
      readonly after: string;
    }
  | { readonly type: 'watch'; readonly prefix: string; readonly at: number }
  | { readonly type: 'compact'; readonly at: number }
  | { readonly type: 'reopen' };

const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
const prefix = fc.constantFrom(...prefixes);
const intent: fc.Arbitrary<Intent> = fc.record({
  type: fc.constantFrom('create', 'update', 'delete'),
  key: fc.constantFrom(...keys),
  value: fc.string({ unit: 'grapheme', maxLength: 5 }),
  isRight: fc.integer({ min: 0, max: 9 }).map((of10) => of10 > 0),
});
const commit = fc.uniqueArray(intent, { selector: ({ key }) => key, minLength: 1, maxLength: 3 });
const commits = fc.record({
  type: fc.constant('commits' as const),
  commits: fc.array(commit, { minLength: 1, maxLength: 4 }),
});

function stepOf(canReopen: boolean): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 6, arbitrary: commits },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('list' as const),
        prefix,
        at: share,
        limit: fc.integer({ min: 1, max: 8 }),
        after: fc.constantFrom('', ...keys),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('watch' as const), prefix, at: share }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), at: share }) },
    { weight: canReopen ? 1 : 0, arbitrary: fc.constant({ type: 'reopen' as const }) },
  );
}

interface HistoryOptions {
  /** Closes the store and opens it again on what it has kept; without it, histories have no restart. */
  readonly reopen?: (store: Store) => Promise<Store>;
  /** Commits made at the same time are judged in their order; without it, each is awaited before the next. */
  readonly ordersAll?: boolean;
}

/** Runs random histories against a store and against the naive model. */
export async function checkHistories(
  open: () => Promise<Store>,
  { reopen, ordersAll = true }: HistoryOptions = {},
): Promise<void> {
  const history = fc.array(stepOf(reopen !== undefined), { minLength: 1, maxLength: 30, size: 'max' });
  const law = fc.asyncProperty(history, async (steps) => {
    const run = new Run(await open(), { reopen, ordersAll });
    try {
      for (const step of steps) await run.step(step);
      await run.checkWatches();
    } finally {
      await run.store.close();
    }
  });
  await fc.assert(law, { numRuns: 100 });
}

class Run {
  store: Store;
  readonly #options: HistoryOptions;
  readonly #model = new Model();
  #watches: Recorder[] = [];

  constructor(store: Store, options: HistoryOptions) {
    this.store = store;
    this.#options = options;
  }

  async step(step: Step): Promise<void> {
    if (step.type === 'commits') await this.#commit(step.commits);
    else if (step.type === 'list') await this.#list(step);
    else if (step.type === 'watch') this.#watch(step.prefix, this.#revisionAt(step.at));
    else if (step.type === 'compact') await this.#compact(this.#revisionAt(step.at));
    else await this.#restart();
    assert.equal(this.store.revision, this.#model.revision);
  }

  /** Every watch has been told exactly what the model says, by now. */
  async checkWatches(): Promise<void> {
    for (const watch of this.#watches) {
      const expected = this.#model.eventsAfter(watch.after, watch.prefix);
      await watch.reaches(expected.length);
      assert.deepEqual(watch.events, expected);
      assertWhole(watch.calls);
    }
  }

  async #commit(intents: readonly (readonly Intent[])[]): Promise<void> {
    if (!this.#options.ordersAll && intents.length > 1) {
      for (const intent of intents) await this.#commit([intent]);
      return;
    }
    const commits = intents.map((commit) => {
      const operations = commit.map((intent) => this.#operation(intent));
      return { made: this.store.commit(operations), expected: this.#model.commit(operations) };
    });
    const outcomes = await Promise.allSettled(commits.map(({ made }) => made));
    assert.deepEqual(
      outcomes.map(outcomeOf),
      commits.map(({ expected }) => expected),
    );
  }

  /** The state is that after the commits before, also those of the same step: they are judged in their order. */
  #operation({ type, key, value, isRight }: Intent): Operation {
    const current = this.#model.at(this.#model.revision).get(key)?.modRevision;
    if (isRight && current === undefined) return { type: 'create', key, value };
    if (type === 'create' && !isRight) return { type, key, value };
    const expected = isRight ? current! : (current ?? 0) + 1;
    return type === 'delete' ? { type, key, expected } : { type: 'update', key, value, expected };
  }

  async #list({ prefix, at, limit, after }: Step & { type: 'list' }): Promise<void> {
    const revision = this.#revisionAt(at);
    const listing = this.store.list(prefix, { revision, limit, after });
    if (revision < this.#model.compacted) return assert.rejects(listing, { code: 'compacted' });
    const all = this.#model.list(prefix, revision, after);
    const entries = all.slice(0, limit);
    assert.deepEqual(await listing, { entries, revision, remaining: all.length - entries.length });
    assert.deepEqual((await this.store.list(prefix)).entries, this.#model.list(prefix));
  }

  #watch(prefix: string, after: number): void {
    if (after >= this.#model.compacted) this.#watches.push(new Recorder(this.store, prefix, after));
    else assert.throws(() => new Recorder(this.store, prefix, after), { code: 'compacted' });
  }

  async #compact(revision: number): Promise<void> {
    await this.store.compact(revision);
    this.#model.compact(revision);
  }

  async #restart(): Promise<void> {
    await this.checkWatches();
    this.#watches = [];
    this.store = await this.#options.reopen!(this.store);
    for (const prefix of prefixes) {
      assert.deepEqual((await this.store.list(prefix)).entries, this.#model.list(prefix));
      this.#watch(prefix, this.#model.compacted);
    }
  }

  #revisionAt(share: number): number {
    return 1 + Math.round(share * (this.#model.revision - 1));
  }
}

const outcomeOf = (outcome: PromiseSettledResult<{ revision: number }>) =>
  outcome.status === 'fulfilled'
    ? outcome.value.revision
    : isStoreError(outcome.reason)
      ? outcome.reason.code
      : outcome.reason;

/** No commit is split between two calls, and revisions never go back. */
function assertWhole(calls: readonly (readonly number[])[]): void {
  calls.forEach((call, i) => {
    assert.deepEqual(
      call,
      [...call].sort((a, b) => a - b),
    );
    if (i > 0) assert.ok(call[0]! > calls[i - 1]!.at(-1)!);
  });
}
