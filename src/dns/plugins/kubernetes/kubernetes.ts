import {
  type ExtendedError,
  encodeReadyAnswer,
  extendedErrors,
  isWithin,
  keyOf,
  type ReadyAnswer,
  type ReadyRecords,
  recordTypes,
  responseCodes,
  wireOf,
} from '../../../wire/dns/mod.ts';
import { codeOnly } from '../../chain/mod.ts';
import type { Answer, Handler, Plugin, Question } from '../../chain/port.ts';
import type { ClusterZone, Found } from '../../zone/mod.ts';
import { refusedAny } from '../any.ts';
import { followAlias } from './alias.ts';

export interface KubernetesOptions {
  readonly zone: ClusterZone;
  readonly isSynced: () => boolean;
  /** How long ANY's answer may be kept. */
  readonly ttlSeconds: number;
  /** Names in these zones that are not there are the next handler's; `.` stands for all. */
  readonly fallthrough?: readonly string[];
  /** Who knows where an alias leads outside of the cluster; default: the next handler. */
  readonly beyond?: Handler;
  /** When the API server was last heard, while it is away: answers are as old as that. */
  readonly awaySince?: () => Date | undefined;
}

/** Answers the names of the cluster, at once; the others are the next handler's. */
export const createKubernetesPlugin =
  (options: KubernetesOptions): Plugin =>
  (next) => {
    const step = new KubernetesStep(options, next);
    return (question) => step.answer(question);
  };

const notListed = (awaySince: Date | undefined): Answer => {
  const because = awaySince ? `: the API server has not answered since ${secondsText(awaySince)}` : '';
  const text = `The cluster has not been listed yet${because}`;
  return codeOnly(responseCodes.ServFail, { code: extendedErrors.NotReady, text });
};

const secondsText = (date: Date): string => date.toISOString().replace(/\.\d+/, '');

/** A whole label, as it stands in a key. */
const serviceLabel = '\u0003svc';

class KubernetesStep {
  readonly #zone: ClusterZone;
  readonly #isSynced: () => boolean;
  readonly #ttlSeconds: number;
  readonly #next: Handler;
  readonly #beyond: Handler;
  readonly #awaySince: () => Date | undefined;
  /** Keys of the zones that fall through. */
  readonly #fallthrough: readonly string[];

  constructor(options: KubernetesOptions, next: Handler) {
    const { zone, isSynced, ttlSeconds, fallthrough = [], awaySince = () => undefined } = options;
    this.#fallthrough = fallthrough.map(keyOf);
    this.#zone = zone;
    this.#isSynced = isSynced;
    this.#ttlSeconds = ttlSeconds;
    this.#next = next;
    this.#beyond = options.beyond ?? next;
    this.#awaySince = awaySince;
  }

  answer(question: Question): Answer | Promise<Answer> {
    const { key } = question.query;
    if (!this.#isSynced() && this.#zone.covers(key)) return notListed(this.#awaySince());
    const found = this.#zone.lookup(key);
    if (found) return this.#fromZone(question, found);
    return question.query.edns && key.includes(serviceLabel) ? this.#passOn(question) : this.#next(question);
  }

  /** A name that looks like a Service's but for its end: whoever asks for it in vain is told what was probably meant. */
  async #passOn(question: Question): Promise<Answer> {
    const answer = await this.#next(question);
    if (answer.kind !== 'relayed' || answer.upstream.rcode !== responseCodes.NXDomain) return answer;
    const text = this.#zone.explain(question.query.key, question.query.type);
    return text === undefined ? answer : { ...answer, error: { code: extendedErrors.Other, text } };
  }

  #fromZone(question: Question, found: Found): Answer | Promise<Answer> {
    const { type, key } = question.query;
    if (!found.name) return this.#missing(question, found);
    const answer = found.name.answer(type);
    if (answer) return positive(answer);
    if (type === recordTypes.ANY) return refusedAny(key, this.#ttlSeconds, true);
    if (found.name.isAlias) return this.#follow(question, found);
    return this.#negative(question, found, responseCodes.NoError);
  }

  #missing(question: Question, found: Found): Answer | Promise<Answer> {
    const { key } = question.query;
    return this.#fallthrough.some((zone) => isWithin(key, zone))
      ? this.#next(question)
      : this.#negative(question, found, responseCodes.NXDomain);
  }

  #negative({ query }: Question, found: Found, rcode: number): Answer {
    // Only who speaks EDNS can be told why; for the others the sentence need not be made.
    const error = query.edns && this.#whyNot(query, rcode);
    return {
      kind: 'ready',
      from: 'kubernetes',
      response: {
        rcode,
        authoritative: true,
        recursionAvailable: true,
        authorities: this.#startOfAuthority(query.key, found),
        ...(error && { error }),
      },
    };
  }

  #whyNot({ key, type }: Question['query'], rcode: number): ExtendedError {
    const text = this.#zone.explain(key, type) ?? '';
    const awaySince = this.#awaySince();
    if (!awaySince) return { code: extendedErrors.Other, text };
    const code = rcode === responseCodes.NXDomain ? extendedErrors.StaleNXDomainAnswer : extendedErrors.StaleAnswer;
    return { code, text: `${text}; the API server has been away since ${secondsText(awaySince)}` };
  }

  #startOfAuthority(key: string, found: Found): ReadyRecords {
    return found.apex.negative(key.length, this.#zone.serial);
  }

  async #follow(question: Question, found: Found): Promise<Answer> {
    const { key } = question.query;
    const chased = await followAlias(question, found, this.#zone, this.#beyond);
    return {
      kind: 'ready',
      from: 'kubernetes',
      response: {
        rcode: chased.rcode,
        authoritative: true,
        recursionAvailable: true,
        answer: encodeReadyAnswer(wireOf(key), chased.records),
        ...(chased.ended && { authorities: this.#startOfAuthority(key, found) }),
        ...(chased.error && { error: chased.error }),
      },
    };
  }
}

const positive = (answer: ReadyAnswer): Answer => ({
  kind: 'ready',
  from: 'kubernetes',
  response: { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true, answer },
});
