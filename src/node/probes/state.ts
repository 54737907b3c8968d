/**
 * What follows from the outcomes of one probe, as kubelet's prober has it (pkg/kubelet/prober/worker.go, doProbe): a
 * pure state machine, told what was seen, saying what holds and when to look again.
 */
export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** What one attempt found. An attempt that could not be made at all is a failure. */
export type ProbeOutcome = { readonly ok: boolean; readonly message: string };

/** corev1.Probe's numbers, filled in; seconds turned into milliseconds. */
export interface ProbeSettings {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export interface ProbeState {
  /** What holds: `unknown` only of a startup probe that has not made up its mind. */
  readonly result: 'success' | 'failure' | 'unknown';
  /** The newest outcome and how often it has come in a row. */
  readonly last?: boolean;
  readonly run: number;
}

/** Until the first verdict a container counts as alive and as not ready. */
export const initialState = (kind: ProbeKind): ProbeState => ({
  result: kind === 'liveness' ? 'success' : kind === 'readiness' ? 'failure' : 'unknown',
  run: 0,
});

export function observe(settings: ProbeSettings, state: ProbeState, ok: boolean): ProbeState {
  const run = state.last === ok ? state.run + 1 : 1;
  const threshold = ok ? settings.successThreshold : settings.failureThreshold;
  const result = run >= threshold ? (ok ? 'success' : 'failure') : state.result;
  return { result, last: ok, run };
}

/** Whether the container is to be restarted: no more attempts follow then. */
export const isFatal = (kind: ProbeKind, state: ProbeState): boolean =>
  kind !== 'readiness' && state.result === 'failure';
