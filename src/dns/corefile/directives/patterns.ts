import { messageOf } from '../../../base/errors.ts';
import { groupsOf } from '../../plugins/rewrite/mod.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { Token } from '../token.ts';

/** By their numbers; 11 to 15 have no name (IANA, DNS RCODEs). */
const codeNames = 'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE'.split(
  ' ',
);
const mostCode = 23;

/** Whether RE2 knows the expression, and it has the groups that stand in `to`. Throws UsageError. */
export function checkExpression(from: Token, to?: Token): void {
  let groups: number;
  try {
    groups = groupsOf(from.text);
  } catch (error) {
    throw mistake(from, `${messageOf(error)} (RE2 syntax, as CoreDNS has it)`);
  }
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
