import type { Probe } from '../../kube/mod.ts';
import type { ProbeSettings } from './state.ts';

/** The API server fills these in; a Pod that was written around it must not turn into a probe without a period. */
export function settingsOf(probe: Probe): ProbeSettings {
  return {
    initialDelayMs: 1000 * (probe.initialDelaySeconds ?? 0),
    periodMs: 1000 * atLeastOne(probe.periodSeconds, 10),
    timeoutMs: 1000 * atLeastOne(probe.timeoutSeconds, 1),
    successThreshold: atLeastOne(probe.successThreshold, 1),
    failureThreshold: atLeastOne(probe.failureThreshold, 3),
  };
}

const atLeastOne = (value: number | undefined, otherwise: number) =>
  value !== undefined && value >= 1 ? value : otherwise;
