import { OperatingError } from '../../base/errors.ts';

/** Bytes that are not a DNS message, or a name that DNS cannot carry; `offset` is where reading stopped. */
export class MalformedMessageError extends OperatingError {
  readonly offset: number;

  constructor(operation: string, state: string, offset: number) {
    super(operation, 'malformed', `${state} at byte ${offset}`);
    this.name = 'MalformedMessageError';
    this.offset = offset;
  }
}
