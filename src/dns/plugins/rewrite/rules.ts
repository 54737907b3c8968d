import { keyOf, keyText, MalformedMessageError } from '../../../wire/dns/mod.ts';
import type { RewriteOptions } from './options.ts';
import { createReplacer, fullName, type Replacer, reverseReplacer } from './replacer.ts';

/** What is asked, as the rules so far have left it. */
export class Asked {
  readonly key: string;
  readonly type: number;
  readonly class: number;
  #text: string | undefined;

  constructor(key: string, type: number, inClass: number) {
    this.key = key;
    this.type = type;
    this.class = inClass;
  }

  /** The text of the name, made when a rule first looks at it. */
  get text(): string {
    this.#text ??= keyText(this.key);
    return this.#text;
  }
}

/** What a rule does to the answer. */
export interface AnswerChange {
  readonly name?: Replacer;
  readonly value?: Replacer;
  readonly ttlSeconds?: (ttlSeconds: number) => number;
  readonly rcode?: (rcode: number) => number;
  /** Where an alias is to lead to instead. */
  readonly alias?: Replacer;
}

export interface Applied {
  readonly asked: Asked;
  readonly changes: readonly AnswerChange[];
}

/** Undefined: the rule does not fit. Throws MalformedMessageError when it makes a name that DNS cannot carry. */
export type Rule = (asked: Asked) => Applied | undefined;

/** Throws OperatingError for an expression that RE2 does not know. */
export function createRule(options: RewriteOptions): Rule {
  switch (options.field) {
    case 'name':
      return nameRule(options);
    case 'ttl': {
      const { leastSeconds, mostSeconds } = options;
      const ttlSeconds = (given: number) => Math.min(mostSeconds, Math.max(leastSeconds, given));
      return answerRule(options, { ttlSeconds });
    }
    case 'rcode':
      return answerRule(options, { rcode: (given) => (given === options.from ? options.to : given) });
    case 'cname': {
      const changes = [{ alias: createReplacer(options.match, options.from, options.to) }];
      return (asked) => ({ asked, changes });
    }
    case 'type':
      return ({ key, type, class: inClass }) =>
        type === options.from ? { asked: new Asked(key, options.to, inClass), changes: [] } : undefined;
    case 'class':
      return ({ key, type, class: inClass }) =>
        inClass === options.from ? { asked: new Asked(key, type, options.to), changes: [] } : undefined;
  }
}

function nameRule(options: RewriteOptions & { field: 'name' }): Rule {
  const { match, from, to, answer } = options;
  const replace = createReplacer(match, from, to);
  const explicit = answer.rules.map(
    (rule): AnswerChange => ({ [rule.of]: createReplacer('regex', rule.from, rule.to) }),
  );
  const fits = quickTest(options);
  return (asked) => {
    const became = fits(asked) ? replace(asked.text) : undefined;
    if (became === undefined) return undefined;
    const reverse = answer.auto ? reverseReplacer(match, options, asked.text, became) : undefined;
    const changes = reverse ? [{ name: reverse, value: reverse }, ...explicit] : explicit;
    return { asked: new Asked(keyOf(became), asked.type, asked.class), changes };
  };
}

/** The one name that a rule can fit, if there is only one: then it is told apart by its key, without making a text. */
export function onlyKeyOf(options: RewriteOptions): string | undefined {
  if (options.field === 'name') return options.match === 'exact' ? tryKey(fullName(options.from)) : undefined;
  const isNamed = options.field === 'ttl' || options.field === 'rcode';
  return isNamed && options.match === 'exact' ? tryKey(fullName(options.name)) : undefined;
}

function quickTest(options: RewriteOptions): (asked: Asked) => boolean {
  const key = onlyKeyOf(options);
  return key === undefined ? () => true : (asked) => asked.key === key;
}

function answerRule(options: RewriteOptions & { field: 'ttl' | 'rcode' }, change: AnswerChange): Rule {
  const test = createReplacer(options.match, options.name, '.');
  const fits = quickTest(options);
  const changes = [change];
  return (asked) => (fits(asked) && test(asked.text) !== undefined ? { asked, changes } : undefined);
}

function tryKey(text: string): string | undefined {
  try {
    return keyOf(text);
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}
