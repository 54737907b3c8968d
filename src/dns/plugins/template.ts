import { keyText, responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly } from '../chain/mod.ts';
import type { Answer, Plugin, Question } from '../chain/port.ts';
import { compileExpression } from '../expression.ts';
import { isWithinAny, zoneKeys } from './zones.ts';

export interface TemplateOptions {
  readonly zones: readonly string[];
  /** Undefined: all. */
  readonly type: number | undefined;
  /** RE2 expressions, one of which has to fit the name; without any every name does. */
  readonly patterns: readonly string[];
  readonly rcode: number;
  /** Names in these zones that do not fit are the next plugin's; the others do not exist. */
  readonly fallthrough: readonly string[] | undefined;
}

/** Answers names with a code and without records, as Corefiles of clouds use it (plugin/template). */
export function createTemplatePlugin({ zones, type, patterns, rcode, fallthrough = [] }: TemplateOptions): Plugin {
  const [within, through] = [zoneKeys(zones), zoneKeys(fallthrough)];
  const expressions = patterns.map(compileExpression);
  const fits = (key: string) => {
    if (expressions.length === 0) return true;
    const name = keyText(key);
    return expressions.some((expression) => expression.test(name));
  };
  const [wanted, missing] = [answerOf(rcode), answerOf(responseCodes.NXDomain)];
  return (next) => (question: Question) => {
    const { query } = question;
    const isOurs = (type === undefined || type === query.type) && isWithinAny(query.key, within);
    if (!isOurs) return next(question);
    if (fits(query.key)) return wanted;
    return isWithinAny(query.key, through) ? next(question) : missing;
  };
}

/** RFC 8914, code 17: the operator wants it so. */
const answerOf = (rcode: number): Answer => {
  const answer = codeOnly(rcode, { code: 17, text: 'A template of the Corefile answers so' }) as Answer & {
    kind: 'ready';
  };
  return { ...answer, from: 'template', response: { ...answer.response, authoritative: true } };
};
