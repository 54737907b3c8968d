import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { messageOf, OperatingError } from '../base/errors.ts';

/** An expression of an operator, in RE2's syntax: it takes time in proportion to the text, whatever both are. */
export interface Expression {
  readonly source: string;
  readonly groups: number;
  test(text: string): boolean;
  /** What fits, then what each of its groups holds, nothing where a group took no part; undefined: it does not fit. */
  exec(text: string): readonly string[] | undefined;
}

/** Throws OperatingError for what RE2 does not know. */
export function compileExpression(source: string): Expression {
  const compiled = compile(source);
  const groups = compiled.groupCount();
  return {
    source,
    groups,
    test: (text) => compiled.matcher(text).find(),
    exec(text) {
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return undefined;
      return Array.from({ length: groups + 1 }, (_, group) => matcher.group(group) ?? '');
    },
  };
}

function compile(source: string): RE2JS {
  try {
    // Loaded only now: most Corefiles have no expression.
    return (createRequire(import.meta.url)('re2js') as typeof import('re2js')).RE2JS.compile(source);
  } catch (error) {
    throw new OperatingError(`Compile ${JSON.stringify(source)}`, 'bad-expression', messageOf(error), error);
  }
}
