import { messageOf, OperatingError } from '../../../base/errors.ts';
import { compileExpression, type Expression } from '../../expression.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { Token } from '../token.ts';

/** By their numbers; 11 to 15 have no name (IANA, DNS RCODEs). */
const codeNames = 'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE'.split(
  ' ',
);
const mostCode = 23;

/** Throws UsageError for what RE2 does not know. */
export function readExpression(token: Token): Expression {
  try {
    return compileExpression(token.text);
  } catch (error) {
    const state = messageOf(error instanceof OperatingError ? error.cause : error);
    throw mistake(token, `${JSON.stringify(token.text)} is no regular expression as CoreDNS has them (RE2): ${state}`);
  }
}

/** Whether `from` is an expression and has the groups that stand in `to`. Throws UsageError. */
export function checkExpression(from: Token, to?: Token): void {
  const { groups } = readExpression(from);
  const most = Math.max(0, ...Array.from(to?.text.matchAll(/\{(\d{1,3})\}/g) ?? [], ([, group]) => Number(group)));
  if (most > groups) throw mistake(to!, `${to!.text} has {${most}}, but ${from.text} has ${groups} groups`);
}

/** A response code, by name or number. Throws UsageError. */
export function readCode(words: Words): number {
  const token = words.next('a response code');
  const name = token.text.toUpperCase().replace(/^NOTIMPL$/, 'NOTIMP');
  const code = /^\d{1,2}$/.test(name) ? Number(name) : codeNames.indexOf(name);
  if (code < 0 || code > mostCode) throw mistake(token, `${JSON.stringify(token.text)} is not a response code`);
  return code;
}
