import { type Clock, sleep } from '../base/clock.ts';
import { messageOf, OperatingError } from '../base/errors.ts';

const pollMs = 20;

/**
 * Asks again and again until there is a value other than undefined or false; an attempt that throws counts as not yet.
 * @throws OperatingError `timeout` with what the last attempt said
 */
export async function until<Value>(
  clock: Clock,
  what: string,
  attempt: () => Promise<Value | undefined | false> | Value | undefined | false,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Value> {
  const deadlineMs = clock.monotonicMs() + (options.timeoutMs ?? 30_000);
  let last = 'nothing yet';
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const value = await attempt();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = messageOf(error);
    }
    if (clock.monotonicMs() > deadlineMs) throw new OperatingError(`Wait until ${what}`, 'timeout', last);
    await sleep(clock, pollMs, options.signal);
  }
}
