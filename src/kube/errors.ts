import { OperatingError } from '../base/errors.ts';

/**
 * Somebody's text or patch cannot be used. `malformed`: it does not parse (the API answers 400); `unprocessable`: it
 * parses, and does not fit the object (422).
 */
export class InputError extends OperatingError {
  declare readonly code: 'malformed' | 'unprocessable';
  /** What is wrong in upstream's words, fit for a Status message. */
  readonly detail: string;

  constructor(operation: string, code: 'malformed' | 'unprocessable', detail: string) {
    super(operation, code, detail);
    this.name = 'InputError';
    this.detail = detail;
  }
}

export const isInputError = (error: unknown): error is InputError => error instanceof InputError;
