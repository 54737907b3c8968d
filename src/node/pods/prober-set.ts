import type { Clock } from '../../base/clock.ts';
import type { Container } from '../../kube/mod.ts';
import { Prober } from '../probes/prober.ts';
import { settingsOf } from '../probes/settings.ts';
import type { ProbeKind, ProbeOutcome } from '../probes/state.ts';
import type { Condemnation } from './view.ts';

export interface ProberSetOptions {
  readonly container: Container;
  readonly clock: Clock;
  readonly startedAtMs: number;
  /** What the API said of this very attempt before this agent began. */
  readonly assume: { readonly started: boolean; readonly ready: boolean };
  attempt(kind: ProbeKind, signal: AbortSignal): Promise<ProbeOutcome>;
  onFailure(kind: ProbeKind, message: string): void;
  /** `started`, `ready` or `condemned` may read differently now. */
  onChange(): void;
}

/** The probes of one running attempt of a container: startup first, then readiness and liveness side by side. */
export class ProberSet {
  readonly #options: ProberSetOptions;
  readonly #probers = new Map<ProbeKind, Prober>();
  #condemned: Condemnation | undefined;
  #leaving = false;

  constructor(options: ProberSetOptions) {
    this.#options = options;
    if (options.container.startupProbe && !options.assume.started) this.#start('startup');
    else this.#startOthers();
  }

  get started(): boolean {
    return this.#resultOf('startup') !== 'failure' && this.#resultOf('startup') !== 'unknown';
  }

  get ready(): boolean {
    return this.started && this.#resultOf('readiness') !== 'failure';
  }

  get condemned(): Condemnation | undefined {
    return this.#condemned;
  }

  /** The Pod ends: readiness is still told, as upstream does, but nothing is restarted any more. */
  leave(): void {
    this.#leaving = true;
    for (const kind of ['startup', 'liveness'] as const) this.#probers.get(kind)?.stop();
  }

  stop(): void {
    this.#leaving = true;
    for (const prober of this.#probers.values()) prober.stop();
  }

  #resultOf(kind: ProbeKind) {
    return this.#probers.get(kind)?.result;
  }

  #startOthers(): void {
    if (this.#leaving) return;
    for (const kind of ['readiness', 'liveness'] as const)
      if (this.#options.container[probeField[kind]]) this.#start(kind);
  }

  #start(kind: ProbeKind): void {
    const { container, clock, startedAtMs, assume } = this.#options;
    const probe = container[probeField[kind]]!;
    const prober = new Prober({
      kind,
      settings: settingsOf(probe),
      clock,
      runningMs: clock.now() - startedAtMs,
      ...(kind === 'readiness' && assume.ready ? { assume: 'success' } : {}),
      attempt: (signal) => this.#options.attempt(kind, signal),
      onFailure: (message) => this.#options.onFailure(kind, message),
      onResult: (result) => {
        if (kind === 'startup' && result === 'success') this.#startOthers();
        if (kind !== 'readiness' && result === 'failure') {
          const graceSeconds = probe.terminationGracePeriodSeconds;
          this.#condemned = {
            message: `Container ${container.name} failed ${kind} probe, will be restarted`,
            ...(graceSeconds === undefined ? {} : { graceSeconds }),
          };
        }
        this.#options.onChange();
      },
    });
    this.#probers.set(kind, prober);
  }
}

export const probeField = {
  startup: 'startupProbe',
  liveness: 'livenessProbe',
  readiness: 'readinessProbe',
} as const satisfies Record<ProbeKind, keyof Container>;
