import { internalError, serviceUnavailable, timedOut } from '../kube/mod.ts';
import { isStoreError } from '../store/errors.ts';
import { refuse } from './status-error.ts';

/** What a store that does not do it means to the caller; anything else is a mistake of ours and passes through. */
export function storeRefusal(error: unknown): unknown {
  if (isStoreError(error, 'full')) refuse(internalError(`nothing was written: ${error.message}`));
  // Upstream's answer too: only a look at the object tells.
  if (isStoreError(error, 'uncertain')) refuse(timedOut('the store did not answer; it may have been written'));
  if (isStoreError(error)) refuse(serviceUnavailable('the store is not available'));
  return error;
}
