import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { recordTypes } from '../../../wire/dns/mod.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { AutopathDirective, HostsDirective } from '../options.ts';
import type { Line } from '../parse.ts';
import type { ReadContext } from '../read.ts';
import { readZones } from '../zones.ts';

/** https://coredns.io/plugins/hosts/ */
export function readHosts(words: Words, context: ReadContext): HostsDirective {
  const [path, ...zones] = words.rest();
  const inline: string[] = [];
  const found: { -readonly [Name in keyof HostsDirective]: HostsDirective[Name] } = {
    path: path ? resolve(context.root ?? '.', path.text) : '/etc/hosts',
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

/** `A`, `AAAA`, `TYPE65` */
export function recordTypeOf(text: string): number | undefined {
  const known: Readonly<Record<string, number>> = recordTypes;
  const name = text.toUpperCase();
  if (Object.hasOwn(known, name)) return known[name];
  const number = /^TYPE(\d{1,5})$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}
