/**
 * Calls `attempt` so many times in batches of 1, 2, 4…, and stops after a batch in which one failed: when the first Pod
 * is refused, the other 499 would be too (upstream's slowStartBatch). Rejects with the first failure.
 */
export async function inGrowingBatches(count: number, attempt: () => Promise<void>): Promise<void> {
  let left = count;
  for (let size = 1; left > 0; size *= 2) {
    const batch = Math.min(size, left);
    const results = await Promise.allSettled(Array.from({ length: batch }, attempt));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    left -= batch;
  }
}
