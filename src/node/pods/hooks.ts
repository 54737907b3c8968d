import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Container } from '../../kube/mod.ts';
import { attemptProbe, type HandlerTarget } from '../probes/attempt.ts';

type Hook = NonNullable<NonNullable<Container['lifecycle']>['preStop']>;

/** Runs a lifecycle hook until it is done, or `signal` aborts. Resolves to what went wrong, if anything did. */
export async function runHook(
  target: HandlerTarget,
  hook: Hook,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (hook.sleep) {
    await sleep(clock, Math.min(1000 * hook.sleep.seconds, timeoutMs), signal);
    return undefined;
  }
  try {
    const { ok, message } = await attemptProbe(target, hook, timeoutMs, signal);
    return ok ? undefined : message;
  } catch (error) {
    return messageOf(error);
  }
}
