import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { initialState, isFatal, observe, type ProbeKind, type ProbeSettings, type ProbeState } from './state.ts';

const settings = (successThreshold: number, failureThreshold: number): ProbeSettings => ({
  initialDelayMs: 0,
  periodMs: 1000,
  timeoutMs: 1000,
  successThreshold,
  failureThreshold,
});

/** `+` a success, `-` a failure; the results after each, by their first letter. */
function resultsOf(kind: ProbeKind, limits: ProbeSettings, outcomes: string): string {
  let state: ProbeState = initialState(kind);
  return [...outcomes]
    .map((outcome) => {
      state = observe(limits, state, outcome === '+');
      return state.result[0];
    })
    .join('');
}

const table: [title: string, kind: ProbeKind, success: number, failure: number, outcomes: string, results: string][] = [
  ['a readiness probe succeeds at once', 'readiness', 1, 3, '+', 's'],
  ['an unready container stays so while it fails', 'readiness', 1, 3, '---', 'fff'],
  ['readiness is lost at the third failure in a row', 'readiness', 1, 3, '+--+---', 'ssssssf'],
  ['and comes back at the first success', 'readiness', 1, 3, '+---+', 'sssfs'],
  ['successThreshold counts successes in a row', 'readiness', 3, 1, '++-+++', 'fffffs'],
  ['failureThreshold 1 takes one failure', 'readiness', 1, 1, '+-+', 'sfs'],
  ['a container counts as alive before the first verdict', 'liveness', 1, 3, '--+', 'sss'],
  ['liveness fails at the third failure in a row', 'liveness', 1, 3, '+--+---', 'ssssssf'],
  ['a startup probe has no opinion until a threshold', 'startup', 1, 3, '--', 'uu'],
  ['a startup probe succeeds once', 'startup', 1, 30, '-----+', 'uuuuus'],
  ['a startup probe gives up at its threshold', 'startup', 1, 3, '---', 'uuf'],
];

for (const [title, kind, success, failure, outcomes, results] of table) {
  test(`Probe state: ${title}`, () => {
    assert.equal(resultsOf(kind, settings(success, failure), outcomes), results);
  });
}

test('Only a failed liveness or startup probe is fatal', () => {
  const failed: ProbeState = { result: 'failure', run: 3 };
  assert.deepEqual(
    (['startup', 'liveness', 'readiness'] as const).map((kind) => isFatal(kind, failed)),
    [true, true, false],
  );
  assert.equal(isFatal('liveness', initialState('liveness')), false);
});

test('Law: the result is that of the last run that was long enough, else the initial one', () => {
  const kinds = fc.constantFrom<ProbeKind>('startup', 'liveness', 'readiness');
  const thresholds = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
  fc.assert(
    fc.property(kinds, thresholds, fc.array(fc.boolean(), { maxLength: 40 }), (kind, [success, failure], outcomes) => {
      const limits = settings(success, failure);
      const state = outcomes.reduce((before, ok) => observe(limits, before, ok), initialState(kind));
      const runs = runsOf(outcomes).filter(({ ok, length }) => length >= (ok ? success : failure));
      const last = runs.at(-1);
      const expected = last ? (last.ok ? 'success' : 'failure') : initialState(kind).result;
      assert.equal(state.result, expected);
    }),
  );
});

/** Runs of equal outcomes, in order. */
function runsOf(outcomes: readonly boolean[]): { ok: boolean; length: number }[] {
  const runs: { ok: boolean; length: number }[] = [];
  for (const ok of outcomes) {
    const last = runs.at(-1);
    if (last?.ok === ok) last.length++;
    else runs.push({ ok, length: 1 });
  }
  return runs;
}
