/**
 * When a container that has ended may start again: at once after its first end, then 10 s after each, doubling to
 * 5 min; ten quiet minutes forgive all (k8s.io/client-go/util/flowcontrol, as kubelet's doBackOff uses it).
 */
export interface BackOff {
  readonly delayMs: number;
  /** When the container was last started again. */
  readonly restartedMs: number;
}

const firstDelayMs = 10_000;
const longestDelayMs = 300_000;

const isForgiven = (backOff: BackOff | undefined, endedMs: number) =>
  !backOff || endedMs - backOff.restartedMs > 2 * longestDelayMs;

/** @param endedMs when the container ended, on the clock of `restartedMs` */
export const mayRestartAtMs = (backOff: BackOff | undefined, endedMs: number): number =>
  isForgiven(backOff, endedMs) ? endedMs : endedMs + backOff!.delayMs;

export const afterRestart = (backOff: BackOff | undefined, endedMs: number, nowMs: number): BackOff => ({
  delayMs: isForgiven(backOff, endedMs) ? firstDelayMs : Math.min(2 * backOff!.delayMs, longestDelayMs),
  restartedMs: nowMs,
});
