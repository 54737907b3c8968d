/**
 * Operating errors: something outside the program did not go as asked. `operation` says what was attempted, `code` is
 * what a caller may branch on (through a predicate), `cause` keeps the original. Programmer errors use `assert`.
 *
 * Messages follow one grammar: a capital, what was attempted, a colon, the state that was found, no full stop.
 */
export class OperatingError extends Error {
  readonly code: string;
  readonly operation: string;

  constructor(operation: string, code: string, state: string, cause?: unknown) {
    super(`${operation}: ${state}`, cause === undefined ? undefined : { cause });
    this.name = 'OperatingError';
    this.operation = operation;
    this.code = code;
  }
}

/** A mistake in what the user gave us (flag, file, field): exit code 2, message without a stack. */
export class UsageError extends OperatingError {
  /** A sentence that says what to do next. */
  readonly hint: string | undefined;

  constructor(operation: string, state: string, hint?: string) {
    super(operation, 'usage', state);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The `code` of any error that carries one: ours, Node's (`ENOENT`), or undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
