import { responseCodes } from '../../../wire/dns/mod.ts';
import type { TemplateOptions } from '../../plugins/template.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { ReadContext } from '../read.ts';
import { recordTypeOf } from './names.ts';
import { checkExpression, readCode } from './patterns.ts';

/** https://coredns.io/plugins/template/, of which only response codes are supported. */
export function readTemplate(words: Words, context: ReadContext): TemplateOptions {
  readClass(words);
  const type = readType(words);
  const zones = words.zones(context.zones);
  const patterns: string[] = [];
  let rcode: number = responseCodes.NoError;
  let fallthrough: readonly string[] | undefined;
  const records = (property: Words) => {
    throw mistake(
      property.name,
      `${property.name.text} of template is not supported: records made by patterns are not, only rcode, match and fallthrough; use hosts for addresses or rewrite for names`,
    );
  };
  words.properties({
    match: (property) => {
      for (const token of property.rest(1, 'a regular expression')) {
        checkExpression(token);
        patterns.push(token.text);
      }
    },
    rcode: (property) => {
      rcode = readCode(property);
    },
    fallthrough: (property) => {
      fallthrough = property.zones(['.']);
    },
    ederror: (property) => {
      property.rest(1, 'a code');
      context.notice(property.name, 'ederror of template does nothing: every such answer says where it comes from');
    },
    answer: records,
    additional: records,
    authority: records,
    upstream: (property) => void property.rest(),
  });
  return { zones, type, patterns, rcode, fallthrough };
}

function readClass(words: Words): void {
  const token = words.next('a class');
  if (token.text !== 'IN' && token.text !== 'ANY') {
    throw mistake(token, `${JSON.stringify(token.text)} of template is not a class that is served: IN or ANY`);
  }
}

function readType(words: Words): number | undefined {
  const token = words.next('a record type');
  if (token.text === 'ANY') return undefined;
  const type = recordTypeOf(token.text);
  if (type === undefined) throw mistake(token, `${JSON.stringify(token.text)} of template is not a record type`);
  return type;
}
