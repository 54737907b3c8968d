import type { Query } from '../../../wire/dns/mod.ts';
import { encodeName, keyText, MalformedMessageError, nameKey } from '../../../wire/dns/mod.ts';
import type { RewriteOptions } from './options.ts';
import { createReplacer, fullName, type Replacer, reverseReplacer } from './replacer.ts';

/** What is asked, as the rules so far have left it. */
export interface Asked extends Pick<Query, 'key' | 'type' | 'class'> {
  /** The text of the name, made when a rule first looks at it. */
  readonly text: string;
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

export const askedOf = ({ key, type, class: inClass }: Pick<Query, 'key' | 'type' | 'class'>): Asked => {
  let text: string | undefined;
  return {
    key,
    type,
    class: inClass,
    get text() {
      text ??= keyText(key);
      return text;
    },
  };
};

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
    default: {
      const { field, from, to } = options;
      return (asked) =>
        asked[field] === from ? { asked: askedOf({ ...asked, [field]: to }), changes: [] } : undefined;
    }
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
    const changes = reverse ? [...explicit, { name: reverse, value: reverse }] : explicit;
    return { asked: askedOf({ ...asked, key: nameKey(encodeName(became)) }), changes };
  };
}

/** Most questions do not fit: whole names are told apart by their keys, without making a text. */
function quickTest({ match, from }: { match: string; from: string }): (asked: Asked) => boolean {
  const key = match === 'exact' ? tryKey(fullName(from)) : undefined;
  return key === undefined ? () => true : (asked) => asked.key === key;
}

function answerRule(options: RewriteOptions & { field: 'ttl' | 'rcode' }, change: AnswerChange): Rule {
  const test = createReplacer(options.match, options.name, '.');
  const fits = quickTest({ match: options.match, from: options.name });
  const changes = [change];
  return (asked) => (fits(asked) && test(asked.text) !== undefined ? { asked, changes } : undefined);
}

function tryKey(text: string): string | undefined {
  try {
    return nameKey(encodeName(text));
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}
