import { compileExpression } from '../../expression.ts';
import type { NameMatch } from './options.ts';

/** What a name becomes; undefined: the rule does not fit it. Both are text in lower case with the final dot. */
export type Replacer = (name: string) => string | undefined;

/** As CoreDNS makes all names of rules but expressions, parts of names too: `Web` → `web.` */
export function fullName(text: string): string {
  const lower = text.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

/** Throws OperatingError for an expression that RE2 does not know. */
export function createReplacer(match: NameMatch, from: string, to: string): Replacer {
  if (match === 'regex') return expressionReplacer(from, fullName(to));
  const [old, replacement] = [fullName(from), fullName(to)];
  switch (match) {
    case 'exact':
      return (name) => (name === old ? replacement : undefined);
    case 'prefix':
      return (name) => (name.startsWith(old) ? replacement + name.slice(old.length) : undefined);
    case 'suffix':
      return suffixReplacer(old, replacement);
    case 'substring':
      return (name) => (name.includes(old) ? name.replaceAll(old, () => replacement) : undefined);
  }
}

const suffixReplacer =
  (old: string, replacement: string): Replacer =>
  (name) =>
    name.endsWith(old) ? name.slice(0, name.length - old.length) + replacement : undefined;

/**
 * RE2's expressions are Go's, and so CoreDNS's; and they take time in proportion to the name, whatever the expression
 * (docs/decisions/0016). What fits is replaced whole, `{1}` in the replacement being the first group.
 */
function expressionReplacer(source: string, replacement: string): Replacer {
  const expression = compileExpression(source);
  const parts = replacement.split(/\{(\d{1,3})\}/);
  return (name) => {
    const groups = expression.exec(name);
    return (
      groups && parts.map((part, index) => (index % 2 === 0 ? part : (groups[Number(part)] ?? `{${part}}`))).join('')
    );
  };
}

/** Turns a suffix back, or one name and the names below it. */
export function reverseReplacer(
  match: NameMatch,
  rule: { from: string; to: string },
  asked: string,
  became: string,
): Replacer {
  if (match === 'suffix') return suffixReplacer(fullName(rule.to), fullName(rule.from));
  return (name) => {
    if (name === became) return asked;
    return name.endsWith(`.${became}`) ? name.slice(0, name.length - became.length) + asked : undefined;
  };
}
