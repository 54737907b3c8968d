import { setTimeout as wait } from 'node:timers/promises';

const giveUpMs = 30_000;

/** Resolves when the condition holds; rejects when it does not come about, so that a test fails and does not hang. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Not in ${giveUpMs} ms: ${condition}`);
    await wait(1);
  }
}
