import { OperatingError } from '../../base/errors.ts';

/** Bytes that are not netlink: a length that runs past the end, a value of the wrong size. */
export class MalformedError extends OperatingError {
  constructor(operation: string, state: string) {
    super(operation, 'malformed', state);
    this.name = 'MalformedError';
  }
}
