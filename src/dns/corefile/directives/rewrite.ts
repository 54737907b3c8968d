import type { AnswerRule, NameMatch, RewriteOptions } from '../../plugins/rewrite/mod.ts';
import { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { Line } from '../parse.ts';
import type { Token } from '../token.ts';
import { recordTypeOf } from './names.ts';
import { checkExpression, readCode } from './patterns.ts';

const matches: readonly NameMatch[] = ['exact', 'prefix', 'suffix', 'substring', 'regex'];
const longestTtlSeconds = 2 ** 31 - 1;
const classes = { IN: 1, CH: 3, HS: 4 } as const;

/** https://coredns.io/plugins/rewrite/ */
export function readRewrite(words: Words): RewriteOptions {
  const mode = words.peek();
  const last = mode !== 'continue';
  if (mode === 'continue' || mode === 'stop') words.next('a mode');
  const [first, ...more] = words.lines;
  const inBlock = !words.hasMore && first ? new Words(first, 'rewrite') : undefined;
  const rule = readRule(inBlock ?? words, inBlock ? more : []);
  (inBlock ?? words).end();
  return { last, ...rule };
}

type Rule<Options = RewriteOptions> = Options extends unknown ? Omit<Options, 'last'> : never;

const fields = ['name', 'type', 'class', 'ttl', 'rcode', 'cname'];

function readRule(words: Words, lines: readonly Line[]): Rule {
  // In a block the field is the line's own name, else an argument.
  const field = words.name.text === 'rewrite' ? words.next(`one of ${fields.join(', ')}`) : words.name;
  if (field.text === 'name') return readNameRule(words, lines);
  const more = lines[0]?.words[0];
  if (more) throw mistake(more, `${JSON.stringify(more.text)} after ${field.text}: one rewrite is one rule`);
  switch (field.text) {
    case 'ttl':
      return readTtlRule(words);
    case 'rcode':
      return { field: 'rcode', ...readNameMatch(words), from: readCode(words), to: readCode(words) };
    case 'cname':
      return readAliasRule(words);
    case 'type':
      return { field: 'type', from: readType(words), to: readType(words) };
    case 'class':
      return { field: 'class', from: readClass(words), to: readClass(words) };
    case 'edns0':
      throw mistake(
        field,
        'rewrite of edns0 is not supported: options of a question end here and go to no other resolver; leave it out',
      );
  }
  throw mistake(field, `${JSON.stringify(field.text)} cannot be rewritten, only ${fields.join(', ')}`);
}

function readMatch(words: Words): NameMatch {
  const match = matches.find((word) => word === words.peek());
  if (match) words.next('how to match');
  return match ?? 'exact';
}

function readNameMatch(words: Words): { match: NameMatch; name: string } {
  const match = readMatch(words);
  return { match, name: readFrom(words, match).text };
}

function readFrom(words: Words, match: NameMatch): Token {
  const from = words.next('what to look for');
  if (match === 'regex') checkExpression(from);
  return from;
}

function readAliasRule(words: Words): Rule {
  const match = readMatch(words);
  const from = words.next('what to look for');
  const to = words.next('what to put in its place');
  if (match === 'regex') checkExpression(from, to);
  return { field: 'cname', match, from: from.text, to: to.text };
}

function readNameRule(words: Words, lines: readonly Line[]): Rule {
  const match = readMatch(words);
  const from = words.next('what to look for');
  const to = words.next('what to put in its place');
  if (match === 'regex') checkExpression(from, to);
  const rules: AnswerRule[] = [];
  // The way back from a whole name is plain; CoreDNS takes it unasked too.
  let auto = match === 'exact';
  const readAnswers = (answer: Words) => {
    while (answer.hasMore) {
      if (answer.peek() === 'answer') answer.next('answer');
      const of = answer.oneOf(['name', 'value', 'auto']);
      if (of === 'auto') auto = true;
      else rules.push(readAnswerRule(of, answer));
    }
  };
  if (words.hasMore && words.peek() !== 'answer') words.end();
  readAnswers(words);
  for (const line of lines) {
    const answer = new Words(line, 'rewrite');
    if (answer.name.text !== 'answer')
      throw mistake(answer.name, `only answer may follow name, not ${answer.name.text}`);
    readAnswers(answer);
  }
  if (auto && match !== 'exact' && rules.some(({ of }) => of === 'name')) {
    throw mistake(words.name, 'answer auto and answer name exclude each other');
  }
  return { field: 'name', match, from: from.text, to: to.text, answer: { auto, rules } };
}

function readAnswerRule(of: AnswerRule['of'], answer: Words): AnswerRule {
  const from = answer.next('what to look for');
  const to = answer.next('what to put there');
  checkExpression(from, to);
  return { of, from: from.text, to: to.text };
}

function readTtlRule(words: Words): Rule {
  const named = readNameMatch(words);
  const token = words.next('a number of seconds');
  const [, least = '', dash, most = ''] = /^(\d*)(-?)(\d*)$/.exec(token.text) ?? [];
  const leastSeconds = least === '' ? 0 : Number(least);
  const mostSeconds = dash === '' ? leastSeconds : most === '' ? longestTtlSeconds : Number(most);
  const isRange = least !== '' || most !== '';
  if (!isRange || leastSeconds > mostSeconds || mostSeconds > longestTtlSeconds) {
    throw mistake(token, `${JSON.stringify(token.text)} is not a number of seconds or a range such as 30-300`);
  }
  return { field: 'ttl', ...named, leastSeconds, mostSeconds };
}

function readType(words: Words): number {
  const token = words.next('a record type');
  const type = recordTypeOf(token.text);
  if (type === undefined) throw mistake(token, `${JSON.stringify(token.text)} is not a record type`);
  return type;
}

function readClass(words: Words): number {
  const token = words.next('a class');
  const name = token.text.toUpperCase();
  if (!Object.hasOwn(classes, name)) throw mistake(token, `${JSON.stringify(token.text)} is not a class: IN, CH or HS`);
  return classes[name as keyof typeof classes];
}
