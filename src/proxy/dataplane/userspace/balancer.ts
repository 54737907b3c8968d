import type { Clock } from '../../../base/clock.ts';
import { endpointText } from '../../plan/mod.ts';
import type { Target } from './target.ts';

interface Affinity {
  readonly target: string;
  readonly lastMs: number;
}

const none: ReadonlySet<Target> = new Set();

/** Chooses endpoints: one after the other, or the one that the client had before (SessionAffinity ClientIP). */
export class Balancer {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #targets: readonly Target[] = [];
  readonly #byText = new Map<string, Target>();
  #next = 0;
  #affinityMs: number | undefined;
  /** By client address; who has come last is last. */
  readonly #clients = new Map<string, Affinity>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  update(targets: readonly Target[], affinitySeconds: number | undefined): void {
    this.#targets = targets;
    this.#byText.clear();
    for (const target of targets) this.#byText.set(endpointText(target), target);
    this.#affinityMs = affinitySeconds === undefined ? undefined : affinitySeconds * 1000;
    if (affinitySeconds === undefined) this.#clients.clear();
  }

  /**
   * For a new connection; undefined when there is no endpoint. Those that have `failed` for it are chosen again only when
   * all have, and end the client's affinity.
   */
  choose(client: string, failed: ReadonlySet<Target> = none): Target | undefined {
    const target = this.#affine(client, failed) ?? this.#inTurn(failed);
    if (target && this.#affinityMs !== undefined) this.#remember(client, target);
    return target;
  }

  /** Clients matter by their address. */
  get hasAffinity(): boolean {
    return this.#affinityMs !== undefined;
  }

  /** Clients that are remembered. */
  get clients(): number {
    return this.#clients.size;
  }

  #affine(client: string, failed: ReadonlySet<Target>): Target | undefined {
    if (this.#affinityMs === undefined) return undefined;
    this.#forgetExpired(this.#affinityMs);
    const affinity = this.#clients.get(client);
    const target = affinity && this.#byText.get(affinity.target);
    return target && !failed.has(target) ? target : undefined;
  }

  #inTurn(failed: ReadonlySet<Target>): Target | undefined {
    const count = this.#targets.length;
    for (let tried = 0; tried < count; tried++) {
      const target = this.#take();
      if (!failed.has(target)) return target;
    }
    return count > 0 ? this.#take() : undefined;
  }

  #take(): Target {
    const target = this.#targets[this.#next % this.#targets.length]!;
    this.#next = (this.#next + 1) % this.#targets.length;
    return target;
  }

  #remember(client: string, target: Target): void {
    this.#clients.delete(client);
    this.#clients.set(client, { target: endpointText(target), lastMs: this.#clock.monotonicMs() });
  }

  #forgetExpired(affinityMs: number): void {
    const now = this.#clock.monotonicMs();
    for (const [client, { lastMs }] of this.#clients) {
      if (now - lastMs < affinityMs) return;
      this.#clients.delete(client);
    }
  }
}
