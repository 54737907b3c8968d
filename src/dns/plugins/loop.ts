import { type Clock, sleep } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import { encodeName, extendedErrors, keyOf, recordTypes, responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly, ownQuestion } from '../chain/mod.ts';
import type { Handler, Plugin, Question } from '../chain/port.ts';

export interface LoopWatchOptions {
  readonly clock: Clock;
  /** For each zone a question of its own goes out, to whoever its names are forwarded to. */
  readonly zones: readonly string[];
  /** Digits that nobody can guess. */
  readonly randomDigits: () => string;
}

/** What we forward comes back to us. */
export class LoopError extends OperatingError {
  constructor(state: string) {
    super(
      'Look for forwarding loops',
      'loop',
      `${state}; forward to resolvers that do not ask this server. Where they come from a resolv.conf, give this server ` +
        "another one, without its own and without local addresses: for a Pod the kubelet's resolvConf says which, with " +
        'systemd-resolved it is /run/systemd/resolve/resolv.conf',
    );
    this.name = 'LoopError';
  }
}

/** As long as resolvers may still be on their way up themselves, they are asked often; later, now and then. */
const eagerMs = 30_000;
const eagerPauseMs = 1000;
const patientPauseMs = 30_000;
/** A resolver that has answered may have asked several others, and one of them us. */
const afterMs = 2000;

const looped = codeOnly(responseCodes.Refused, {
  code: extendedErrors.Prohibited,
  text: 'A forwarding loop: this server itself has asked this',
});

/**
 * CoreDNS's `loop`: a question with a random name goes out, of a type that nobody asks for. Only who was asked knows it, so
 * when it comes back, so would any other, without end. Once a resolver has answered, the name is forgotten.
 */
export class LoopWatch {
  readonly #options: LoopWatchOptions;
  readonly #stopping = new AbortController();
  /** By key of the name, what to do when it comes. */
  readonly #awaited = new Map<string, (from: Question['client']) => void>();
  #next: Handler | undefined;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
  }

  /** Must stand before a cache: that would let the question that came back wait for itself. */
  readonly plugin: Plugin = (next) => {
    this.#next = next;
    return (question) => {
      const { type, key } = question.query;
      const returned = type === recordTypes.HINFO ? this.#awaited.get(key) : undefined;
      if (!returned) return next(question);
      returned(question.client);
      return looped;
    };
  };

  /** To be called when questions are received. */
  start(onLoop: (error: LoopError) => void): void {
    for (const zone of this.#options.zones) void this.#watch(zone, onLoop);
  }

  stop(): void {
    this.#stopping.abort();
    this.#awaited.clear();
  }

  async #watch(zone: string, onLoop: (error: LoopError) => void): Promise<void> {
    const { clock, randomDigits } = this.#options;
    const { signal } = this.#stopping;
    const name = `${randomDigits()}.${randomDigits()}${zone === '.' ? '' : `.${zone}`}`;
    this.#awaited.set(keyOf(name), ({ address }) => {
      onLoop(new LoopError(`what is forwarded for ${zone} comes back from ${address} (the question HINFO ${name}.)`));
    });
    const eagerUntilMs = clock.monotonicMs() + eagerMs;
    while (!signal.aborted && !(await this.#isAnswered(name))) {
      await sleep(clock, clock.monotonicMs() < eagerUntilMs ? eagerPauseMs : patientPauseMs, signal);
    }
    await sleep(clock, afterMs, signal);
    this.#awaited.delete(keyOf(name));
  }

  /** By another resolver, whatever it said; else it was silent, or is not there yet. */
  async #isAnswered(name: string): Promise<boolean> {
    try {
      const answer = await this.#next!(ownQuestion(encodeName(name), recordTypes.HINFO));
      return answer.kind === 'relayed';
    } catch {
      // A mistake in a plugin shows in the questions of clients.
      return false;
    }
  }
}
