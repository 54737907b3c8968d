import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { Prober, type ProberOptions } from './prober.ts';
import type { ProbeKind, ProbeSettings } from './state.ts';

interface Setup {
  readonly kind: ProbeKind;
  readonly settings?: Partial<ProbeSettings>;
  readonly options?: Partial<ProberOptions>;
}

/** A prober whose outcome a test sets, and what it did when, in seconds since its start. */
function setUp({ kind, settings, options }: Setup) {
  const clock = new ManualClock();
  const seen = { ok: false, attempts: [] as number[], results: [] as string[], failures: 0 };
  const seconds = () => clock.monotonicMs() / 1000;
  const prober = new Prober({
    kind,
    settings: {
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1000,
      successThreshold: 1,
      failureThreshold: 3,
      ...settings,
    },
    clock,
    runningMs: 0,
    attempt: async () => {
      seen.attempts.push(seconds());
      return { ok: seen.ok, message: 'as told' };
    },
    onFailure: () => {
      seen.failures++;
    },
    onResult: (result) => seen.results.push(`${result} at ${seconds()}`),
    ...options,
  });
  return { clock, seen, prober };
}

test('A liveness probe goes by its period from the initial delay on, and ends with its verdict', async () => {
  const { clock, seen } = setUp({ kind: 'liveness', settings: { initialDelayMs: 5000 } });
  await clock.advance(100_000);
  assert.deepEqual(seen.attempts, [5, 15, 25]);
  assert.deepEqual(seen.results, ['failure at 25']);
  assert.equal(seen.failures, 3);
  assert.equal(clock.pendingTimers, 0);
});

test('The initial delay counts from the start of the container, not of the agent', async () => {
  const { clock, seen, prober } = setUp({
    kind: 'liveness',
    settings: { initialDelayMs: 60_000 },
    options: { runningMs: 50_000 },
  });
  await clock.advance(12_000);
  assert.deepEqual(seen.attempts, [10]);
  prober.stop();
});

test('A container that becomes ready is seen soon, not after a whole period', async () => {
  const { clock, seen, prober } = setUp({ kind: 'readiness' });
  await clock.advance(120);
  seen.ok = true;
  await clock.advance(400);
  assert.deepEqual(seen.attempts, [0, 0.05, 0.15]);
  assert.deepEqual(seen.results, ['success at 0.15']);
  assert.equal(seen.failures, 0);
  seen.ok = false;
  await clock.advance(31_000);
  assert.deepEqual(seen.attempts.slice(3), [10.15, 20.15, 30.15]);
  assert.deepEqual(seen.results.slice(1), ['failure at 30.15']);
  assert.equal(seen.failures, 3);
  prober.stop();
});

test('A container that never gets ready is looked at by the period in the end, and complained of', async () => {
  const { clock, seen, prober } = setUp({ kind: 'readiness', settings: { periodMs: 1000 } });
  await clock.advance(5000);
  assert.deepEqual(seen.attempts, [0, 0.05, 0.15, 0.35, 0.75, 1.55, 2.55, 3.55, 4.55]);
  assert.ok(seen.failures > 0);
  assert.deepEqual(seen.results, []);
  prober.stop();
});

test('What an earlier agent found holds until the probe says otherwise', async () => {
  const { clock, seen, prober } = setUp({ kind: 'readiness', options: { assume: 'success' } });
  assert.equal(prober.result, 'success');
  await clock.advance(15_000);
  assert.equal(prober.result, 'success');
  await clock.advance(10_000);
  assert.equal(prober.result, 'failure');
  assert.deepEqual(seen.attempts, [0, 10, 20]);
  prober.stop();
});

test('A stopped prober says nothing more, whatever its attempt was about to find', async () => {
  const { promise, resolve } = Promise.withResolvers<{ ok: boolean; message: string }>();
  const { clock, seen, prober } = setUp({ kind: 'readiness', options: { attempt: () => promise } });
  await clock.advance(0);
  prober.stop();
  resolve({ ok: true, message: '' });
  await clock.advance(60_000);
  assert.deepEqual(seen.results, []);
  assert.equal(clock.pendingTimers, 0);
});

test('An attempt that throws is a failure with its message', async () => {
  const messages: string[] = [];
  const { clock, prober } = setUp({
    kind: 'liveness',
    settings: { failureThreshold: 1 },
    options: {
      attempt: async () => {
        throw new Error('container web has no port "http"');
      },
      onFailure: (message) => messages.push(message),
    },
  });
  await clock.advance(0);
  assert.deepEqual(messages, ['container web has no port "http"']);
  assert.equal(prober.result, 'failure');
});
