import { OperatingError } from '../base/errors.ts';
import type { Status } from '../kube/mod.ts';

/** A request that ends in a Status; thrown anywhere on its way and turned into the answer in one place (`answer.ts`). */
export class StatusError extends OperatingError {
  readonly status: Status;

  constructor(status: Status) {
    super('API request', status.reason ?? 'Unknown', status.message ?? 'refused');
    this.name = 'StatusError';
    this.status = status;
  }
}

export const isStatusError = (error: unknown): error is StatusError => error instanceof StatusError;

/** Ends the request with this Status. */
export function refuse(status: Status): never {
  throw new StatusError(status);
}
