import { type Pod, parseTime } from '../../kube/mod.ts';

const firstMs = 10_000;
const longestMs = 600_000;

/** How long after its last failure a Job waits with the next Pod: twice as long each time, anew after a success. */
export function backoffMs(failed: readonly Pod[], succeeded: readonly Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...succeeded.map(endOf));
  const ends = failed.map(endOf).filter((endMs) => endMs > lastSuccessMs);
  if (ends.length === 0) return 0;
  const delayMs = Math.min(longestMs, firstMs * 2 ** (ends.length - 1));
  return Math.max(0, Math.max(...ends) + delayMs - nowMs);
}

/** When its last container ended, or it was told to go. */
function endOf({ metadata, status }: Pod): number {
  const times = (status?.containerStatuses ?? []).flatMap(({ state }) => state?.terminated?.finishedAt ?? []);
  const known = [
    ...times,
    ...(metadata.deletionTimestamp ? [metadata.deletionTimestamp] : []),
    metadata.creationTimestamp,
  ];
  return parseTime(known[0]!) ?? 0;
}
