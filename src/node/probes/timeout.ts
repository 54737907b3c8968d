import type { Clock } from '../../base/clock.ts';
import type { ProbeOutcome } from './state.ts';

/** Gives `attempt` a signal that aborts after `timeoutMs` or with `signal`, and a verdict when it was the time. */
export async function withTimeout(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  attempt: (limit: AbortSignal) => Promise<ProbeOutcome>,
): Promise<ProbeOutcome> {
  const timer = new AbortController();
  const cancel = clock.schedule(timeoutMs, () => timer.abort());
  try {
    const outcome = await attempt(AbortSignal.any([signal, timer.signal]));
    return timer.signal.aborted && !outcome.ok
      ? { ok: false, message: `no answer within ${timeoutMs / 1000} s` }
      : outcome;
  } finally {
    cancel();
  }
}
