import { OperatingError } from '../../base/errors.ts';
import { type ExtendedError, extendedErrors, responseCodes } from '../../wire/dns/mod.ts';

type ForwardFailure = 'no-upstream' | 'overloaded' | 'unanswered' | 'stopped';

const extendedCodes: Record<ForwardFailure, number> = {
  'no-upstream': extendedErrors.NoReachableAuthority,
  overloaded: extendedErrors.Other,
  unanswered: extendedErrors.NoReachableAuthority,
  stopped: extendedErrors.NotReady,
};

/** A question that no upstream resolver answered; the client gets `rcode` with `extended`. */
export class ForwardError extends OperatingError {
  readonly rcode: number;
  readonly extended: ExtendedError;

  constructor(code: ForwardFailure, state: string, cause?: unknown) {
    super('Forward DNS query', code, state, cause);
    this.name = 'ForwardError';
    this.rcode = code === 'overloaded' ? responseCodes.Refused : responseCodes.ServFail;
    this.extended = { code: extendedCodes[code], text: state };
  }
}
