import { OperatingError } from '../base/errors.ts';
import type { Entry } from './port.ts';

export type StoreErrorCode =
  | 'exists'
  | 'missing'
  | 'stale'
  | 'compacted'
  | 'future'
  | 'full'
  | 'closed'
  /** On opening: another process has the store open; a later release has written it. */
  | 'locked'
  | 'newer'
  | 'failed'
  /** A store elsewhere does not answer: the first, nothing was written; the second, it may have been, or may still be. */
  | 'unavailable'
  | 'uncertain';

export class StoreError extends OperatingError {
  declare readonly code: StoreErrorCode;
  readonly key: string | undefined;
  /** What the key holds, for `exists` and `stale`. */
  readonly current: Entry | undefined;

  constructor(
    operation: string,
    code: StoreErrorCode,
    state: string,
    details: { key?: string; current?: Entry; cause?: unknown } = {},
  ) {
    super(operation, code, state, details.cause);
    this.name = 'StoreError';
    this.key = details.key;
    this.current = details.current;
  }
}

export const isStoreError = (error: unknown, ...codes: StoreErrorCode[]): error is StoreError =>
  error instanceof StoreError && (codes.length === 0 || codes.includes(error.code));
