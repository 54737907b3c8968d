import {
  extendedErrors,
  MalformedMessageError,
  nameText,
  type ReadyAnswer,
  responseCodes,
  wireOf,
} from '../../../wire/dns/mod.ts';
import {
  type Answer,
  codeOnly,
  errorOf,
  type Handler,
  type Plugin,
  type Question,
  renamedQuestion,
  restate,
} from '../../chain/mod.ts';
import { redirectAlias } from './alias.ts';
import type { RewriteOptions } from './options.ts';
import { type AnswerChange, Asked, createRule, onlyKeyOf, type Rule } from './rules.ts';
import { turnBack, withCode } from './turn-back.ts';

/**
 * Asks something else than the client did, by the first rule that fits and those before it that say `continue`, and turns
 * the answer into one to the client's question. Throws OperatingError for an expression that RE2 does not know.
 */
export function createRewritePlugin(options: readonly RewriteOptions[]): Plugin {
  const rules = options.map((rule) => ({ apply: createRule(rule), isLast: rule.last }));
  const keys = options.map(onlyKeyOf);
  const only = keys.every((key) => key !== undefined) ? new Set(keys) : undefined;
  return (next) => {
    const step = new RewriteStep(rules, only, next);
    return (question) => step.answer(question);
  };
}

interface Step {
  readonly apply: Rule;
  readonly isLast: boolean;
}

interface Rewritten {
  readonly asked: Asked;
  readonly changes: readonly AnswerChange[];
}

class RewriteStep {
  readonly #rules: readonly Step[];
  /** The keys that a first rule can fit, if they can be told. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #next: Handler;
  /** By the bytes that the zone keeps ready: what was last made of them. They fall together with them. */
  readonly #made = new WeakMap<ReadyAnswer, { readonly question: string; readonly answer: Answer }>();

  constructor(rules: readonly Step[], only: ReadonlySet<string> | undefined, next: Handler) {
    this.#rules = rules;
    this.#only = only;
    this.#next = next;
  }

  answer(question: Question): Answer | Promise<Answer> {
    let rewritten: Rewritten | undefined;
    try {
      rewritten = this.#apply(question);
    } catch (error) {
      if (error instanceof MalformedMessageError) return unusable;
      throw error;
    }
    if (!rewritten) return this.#next(question);
    const { asked, changes } = rewritten;
    const isSame = asked.key === question.query.key;
    const inner =
      isSame && asked.type === question.query.type && asked.class === question.query.class
        ? question
        : renamedQuestion(question, asked);
    const answer = this.#ask(inner, changes);
    if (isSame && changes.every(isOfAliases)) return answer;
    return answer instanceof Promise
      ? answer.then((late) => this.#turnBack(question, inner, late, changes))
      : this.#turnBack(question, inner, answer, changes);
  }

  #apply({ query }: Question): Rewritten | undefined {
    if (this.#only && !this.#only.has(query.key)) return undefined;
    let asked = new Asked(query.key, query.type, query.class);
    let changes: readonly AnswerChange[] | undefined;
    for (const { apply, isLast } of this.#rules) {
      const applied = apply(asked);
      if (!applied) continue;
      asked = applied.asked;
      changes = changes ? [...changes, ...applied.changes] : applied.changes;
      if (isLast) break;
    }
    return changes && { asked, changes };
  }

  #ask(inner: Question, changes: readonly AnswerChange[]): Answer | Promise<Answer> {
    const alias = changes.find((change) => change.alias)?.alias;
    const answer = this.#next(inner);
    if (!alias) return answer;
    return Promise.resolve(answer).then((found) => redirectAlias(inner, found, alias, this.#next));
  }

  #turnBack(question: Question, inner: Question, answer: Answer, changes: readonly AnswerChange[]): Answer {
    const source = answer.kind === 'ready' ? answer.response.answer : undefined;
    const { key, type, class: inClass } = question.query;
    const asked = `${type} ${inClass} ${key}`;
    const made = source && this.#made.get(source);
    if (made?.question === asked) return made.answer;
    const restated = restate(question, inner, answer, (records) => turnBack(records, changes));
    const turned = withReason(withCode(restated, changes), question, inner);
    // Negative answers carry a serial number that goes on, and a reason that does not hold for ever.
    const keeps = source && source.answers.ends.length > 0 && answer.kind === 'ready' && !answer.response.authorities;
    if (keeps) this.#made.set(source, { question: asked, answer: turned });
    return turned;
  }
}

/** It has been done when the answer is there. */
const isOfAliases = (change: AnswerChange): boolean => change.alias !== undefined;

/** The client is told why by a name that it did not ask for: so it is told which one. */
function withReason(answer: Answer, question: Question, inner: Question): Answer {
  const given = errorOf(answer);
  if (!given || inner.query.key === question.query.key) return answer;
  const error = { ...given, text: `Rewritten to ${nameText(wireOf(inner.query.key))}: ${given.text}` };
  return answer.kind === 'ready' ? { ...answer, response: { ...answer.response, error } } : { ...answer, error };
}

const unusable = codeOnly(responseCodes.ServFail, {
  code: extendedErrors.Other,
  text: 'A rewrite rule makes no valid name of this one',
});
