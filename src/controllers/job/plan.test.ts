import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job } from '../../kube/mod.ts';
import { metaOf, type PodTraits, podOf } from '../testing/objects.ts';
import { backoffMs } from './backoff.ts';
import { completedIndexes, formatIndexes, indexAnnotation } from './indexes.ts';
import { planJob, trackingFinalizer } from './plan.ts';

const startMs = Date.UTC(2026, 0, 1);
const lateMs = startMs + 3_600_000;

const jobOf = (spec: object = {}, status: object = { startTime: '2026-01-01T00:00:00Z' }): Job =>
  ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metaOf('once'),
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      template: { spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
      ...spec,
    },
    status,
  }) as Job;

/** `s f r t`: succeeded, failed, running, on its way out; in capitals it has lost its finalizer; `3` behind is its index. */
const podsOf = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const letter = word[0]!;
      const phases: Record<string, PodTraits['phase']> = { s: 'Succeeded', f: 'Failed' };
      const index = word.slice(1);
      return podOf(word, {
        phase: phases[letter.toLowerCase()] ?? 'Running',
        isTerminating: letter.toLowerCase() === 't',
        metadata: {
          finalizers: letter === letter.toLowerCase() ? [trackingFinalizer] : [],
          ...(index && { annotations: { [indexAnnotation]: index } }),
        },
      });
    });

const planned = (spec: object, pods: string, status?: object) => {
  const { create, delete: gone, release, status: after } = planJob(jobOf(spec, status), podsOf(pods), lateMs);
  return {
    create,
    gone: gone.map(({ metadata }) => metadata.name).join(' '),
    release: release.map(({ metadata }) => metadata.name).join(' '),
    conditions: (after.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`),
    counts: [after.active ?? 0, after.succeeded ?? 0, after.failed ?? 0],
  };
};
const started = { startTime: '2026-01-01T00:00:00Z' };
const one = undefined;

describe('a Job’s next step', () => {
  test('as many Pods as may run at once, and no more than are needed', () => {
    assert.deepEqual(planned({}, '').create, [one]);
    assert.deepEqual(planned({ completions: 5, parallelism: 3 }, 'r1').create, [one, one]);
    assert.deepEqual(planned({ completions: 5, parallelism: 3 }, '', { ...started, succeeded: 4 }).create, [one]);
    assert.equal(planned({ completions: 5, parallelism: 1 }, 'r1 r2').gone, 'r2');
  });

  test('an end is written down, then the Pod is let go, then it counts', () => {
    const first = planJob(jobOf({ completions: 2 }), podsOf('s'), lateMs);
    assert.deepEqual(first.status.uncountedTerminatedPods, { succeeded: ['uid-s'] });
    assert.deepEqual([first.status.succeeded, first.release], [undefined, []]);
    assert.equal(planned({ completions: 2 }, 's', first.status).release, 's');
    assert.deepEqual(planned({ completions: 2 }, 'S', first.status).counts, [0, 1, 0]);
    assert.deepEqual(planned({ completions: 2 }, '', first.status).counts, [0, 1, 0]);
  });

  test('enough is enough: first it is said, then it is over', () => {
    const uncounted = { ...started, uncountedTerminatedPods: { succeeded: ['uid-s'] } };
    assert.deepEqual(planned({}, 's', uncounted).conditions, ['SuccessCriteriaMet CompletionsReached']);
    assert.deepEqual(planned({}, 'S', uncounted).conditions, [
      'SuccessCriteriaMet CompletionsReached',
      'Complete CompletionsReached',
    ]);
    assert.deepEqual(planned({}, '', { ...started, succeeded: 1 }).create, []);
  });

  test('a Job of whoever is first is over when one has succeeded and none runs', () => {
    const anyone = { completions: undefined, parallelism: 2 };
    assert.deepEqual(planned(anyone, '').create, [one, one]);
    assert.deepEqual(planned(anyone, 'r', { ...started, succeeded: 1 }), {
      ...{ create: [], gone: '', release: '', conditions: [], counts: [1, 1, 0] },
    });
    assert.deepEqual(planned(anyone, '', { ...started, succeeded: 1 }).conditions.length, 2);
  });

  test('too many failures end it, and what runs', () => {
    const failed = { ...started, failed: 2 };
    assert.deepEqual(planned({ backoffLimit: 2 }, '', failed).create, [one]);
    const over = planned({ backoffLimit: 1, parallelism: 2, completions: 3 }, 'r', failed);
    assert.deepEqual([over.gone, over.conditions], ['r', ['FailureTarget BackoffLimitExceeded']]);
    const conditions = [{ type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded' }];
    assert.deepEqual(
      planned({ backoffLimit: 1 }, '', { ...failed, conditions }).conditions.at(-1),
      'Failed BackoffLimitExceeded',
    );
  });

  test('its time runs out', () => {
    assert.deepEqual(planned({ activeDeadlineSeconds: 60 }, 'r').conditions, ['FailureTarget DeadlineExceeded']);
    const plan = planJob(jobOf({ activeDeadlineSeconds: 60 }), podsOf('r'), startMs + 20_000);
    assert.equal(plan.nextChangeMs, 40_000);
  });

  test('suspended it stops, and what it stopped has not failed', () => {
    const stopped = planned({ suspend: true }, 'r');
    assert.deepEqual([stopped.gone, stopped.conditions], ['r', ['Suspended JobSuspended']]);
    const after = planned({ suspend: true }, 't');
    assert.deepEqual([after.release, after.counts], ['t', [0, 0, 0]]);
    const conditions = [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }];
    assert.deepEqual(planned({}, '', { conditions }).conditions, ['Suspended JobResumed']);
  });

  test('one on its way out has failed, and is replaced at once or when it has ended', () => {
    const uncounted = { ...started, uncountedTerminatedPods: { failed: ['uid-t'] } };
    assert.equal(planJob(jobOf(), podsOf('t'), lateMs).status.uncountedTerminatedPods?.failed?.[0], 'uid-t');
    assert.deepEqual(planned({}, 't', uncounted).create, [one]);
    assert.deepEqual(planned({ podReplacementPolicy: 'Failed' }, 't', uncounted).create, []);
  });

  test('numbers are given out once, the lowest that is free', () => {
    const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 3 };
    assert.deepEqual(planned(indexed, 'r1 S0').create, [2, 3]);
    assert.deepEqual(planned(indexed, '', { ...started, completedIndexes: '0-2,4' }).create, [3]);
    assert.deepEqual(planned(indexed, 'S3', { ...started, completedIndexes: '0-2,4' }).counts, [0, 5, 0]);
  });

  test('when it is over nothing more is done but to let the Pods go', () => {
    const over = { ...started, conditions: [{ type: 'Complete', status: 'True' }] };
    assert.deepEqual(planned({ completions: 3 }, 's', over), {
      ...{ create: [], gone: '', release: 's', conditions: ['Complete undefined'], counts: [0, 0, 0] },
    });
  });
});

test('after each failure it waits twice as long, and anew after a success', () => {
  const at = (seconds: number) =>
    podOf('p', { metadata: { creationTimestamp: new Date(startMs + seconds * 1000).toISOString() } });
  assert.equal(backoffMs([], [], startMs), 0);
  assert.equal(backoffMs([at(0)], [], startMs), 10_000);
  assert.equal(backoffMs([at(0), at(15)], [], startMs + 15_000), 20_000);
  assert.equal(backoffMs([at(0), at(15)], [], startMs + 36_000), 0);
  assert.equal(backoffMs([at(0), at(15)], [at(5)], startMs + 15_000), 10_000);
  assert.equal(
    backoffMs(
      Array.from({ length: 20 }, () => at(0)),
      [],
      startMs,
    ),
    600_000,
  );
});

test('indexes are written as ranges', () => {
  assert.equal(formatIndexes(new Set([4, 0, 2, 1])), '0-2,4');
  assert.deepEqual([...completedIndexes('0-2,4', [])], [0, 1, 2, 4]);
  assert.equal(formatIndexes(new Set()), '');
});
