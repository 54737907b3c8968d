import { isIP } from 'node:net';
import { recordTypes } from '../../../wire/dns/mod.ts';
import { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { AnswerRule, AutopathDirective, HostsDirective, NameMatch, RewriteDirective } from '../options.ts';
import type { Line } from '../parse.ts';
import type { ReadContext } from '../read.ts';
import { readZones } from '../zones.ts';

/** https://coredns.io/plugins/hosts/ */
export function readHosts(words: Words, context: ReadContext): HostsDirective {
  const [path, ...zones] = words.rest();
  const inline: string[] = [];
  const found: { -readonly [Name in keyof HostsDirective]: HostsDirective[Name] } = {
    path: path?.text ?? '/etc/hosts',
    zones: zones.length > 0 ? readZones(zones) : context.zones,
    inline,
    ttlSeconds: 3600,
    reverse: true,
    reloadMs: 5000,
    fallthrough: undefined,
  };
  const isEntry = ({ words: [first] }: Line) => isIP(first.text) !== 0;
  for (const line of words.lines.filter(isEntry)) inline.push(line.words.map(({ text }) => text).join(' '));
  words.without(isEntry).properties({
    ttl: (property) => {
      found.ttlSeconds = property.wholeNumber(1, 65_535);
    },
    no_reverse: () => {
      found.reverse = false;
    },
    reload: (property) => {
      found.reloadMs = property.durationMs();
    },
    fallthrough: (property) => {
      found.fallthrough = property.zones(['.']);
    },
    fallthrough_unsupported: (property) => {
      throw mistake(property.name, 'fallthrough_unsupported of hosts is not supported');
    },
  });
  return found;
}

/** https://coredns.io/plugins/autopath/ */
export function readAutopath(words: Words, context: ReadContext): AutopathDirective {
  const args = words.rest(1, '@kubernetes or the path of a resolv.conf');
  const source = args.at(-1)!;
  const zones = readZones(args.slice(0, -1));
  words.end();
  if (source.text.startsWith('@') && source.text !== '@kubernetes') {
    throw mistake(source, `${source.text} cannot tell search paths (did you mean @kubernetes?)`);
  }
  return {
    zones: zones.length > 0 ? zones : context.zones,
    source: source.text.startsWith('@') ? { kind: 'kubernetes' } : { kind: 'file', path: source.text },
  };
}

const matches: readonly NameMatch[] = ['exact', 'prefix', 'suffix', 'substring', 'regex'];
const longestTtlSeconds = 2 ** 31 - 1;

/** https://coredns.io/plugins/rewrite/ */
export function readRewrite(words: Words): RewriteDirective {
  const mode = words.peek();
  const last = mode !== 'continue';
  if (mode === 'continue' || mode === 'stop') words.next('a mode');
  const [first, ...more] = words.lines;
  if (!words.hasMore && first) return { last, ...readRule(new Words(first, 'rewrite'), more) };
  const rule = readRule(words, []);
  words.end();
  return { last, ...rule };
}

type Rule<Directive = RewriteDirective> = Directive extends unknown ? Omit<Directive, 'last'> : never;

function readRule(words: Words, answers: readonly Line[]): Rule {
  // In a block the field is the line's own name, else an argument.
  const field = words.name.text === 'rewrite' ? words.next('name, type or ttl') : words.name;
  switch (field.text) {
    case 'name':
      return readNameRule(words, answers);
    case 'ttl':
      return readTtlRule(words);
    case 'type':
      return { field: 'type', from: readType(words), to: readType(words) };
    case 'class':
    case 'edns0':
    case 'rcode':
    case 'cname':
      throw mistake(field, `rewrite of ${field.text} is not supported`);
  }
  throw mistake(field, `${JSON.stringify(field.text)} cannot be rewritten, only name, type and ttl`);
}

function readMatch(words: Words): NameMatch {
  const match = matches.find((word) => word === words.peek());
  if (match) words.next('how to match');
  return match ?? 'exact';
}

function readNameRule(words: Words, lines: readonly Line[]): Rule {
  const match = readMatch(words);
  const from = words.next('what to look for').text;
  const to = words.next('what to put in its place').text;
  const rules: AnswerRule[] = [];
  // CoreDNS turns answers back by itself where the way back is plain.
  let kind: 'auto' | 'none' = match === 'exact' || match === 'suffix' ? 'auto' : 'none';
  const readAnswer = (answer: Words) => {
    const of = answer.oneOf(['name', 'value', 'auto']);
    if (of === 'auto') kind = 'auto';
    else rules.push({ of, from: answer.next('what to look for').text, to: answer.next('what to put there').text });
  };
  while (words.hasMore) {
    words.oneOf(['answer']);
    readAnswer(words);
  }
  for (const line of lines) {
    const answer = new Words(line, 'rewrite');
    if (answer.name.text !== 'answer')
      throw mistake(answer.name, `only answer may follow name, not ${answer.name.text}`);
    readAnswer(answer);
    answer.end();
  }
  return { field: 'name', match, from, to, answer: rules.length > 0 ? { kind: 'rules', rules } : { kind } };
}

function readTtlRule(words: Words): Rule {
  const match = readMatch(words);
  const name = words.next('a name').text;
  const token = words.next('a number of seconds');
  const [, least, dash, most] = /^(\d*)(-?)(\d*)$/.exec(token.text) ?? [];
  if (least === undefined || (least === '' && most === '')) {
    throw mistake(token, `${JSON.stringify(token.text)} is not a number of seconds or a range such as 30-300`);
  }
  const leastSeconds = least === '' ? 0 : Number(least);
  const mostSeconds = dash === '' ? leastSeconds : most === '' ? longestTtlSeconds : Number(most);
  return { field: 'ttl', match, name, leastSeconds, mostSeconds };
}

function readType(words: Words): number {
  const token = words.next('a record type');
  const type = recordTypeOf(token.text);
  if (type === undefined) throw mistake(token, `${JSON.stringify(token.text)} is not a record type`);
  return type;
}

/** `A`, `AAAA`, `TYPE65` */
export function recordTypeOf(text: string): number | undefined {
  const known: Readonly<Record<string, number>> = recordTypes;
  const name = text.toUpperCase();
  if (Object.hasOwn(known, name)) return known[name];
  const number = /^TYPE(\d{1,5})$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}
