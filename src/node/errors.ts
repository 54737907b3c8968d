import { OperatingError } from '../base/errors.ts';

/** Why a Pod or one of its containers could not be brought to run. */
export type PodErrorCode =
  /** The sandbox (namespaces, network, /etc files) could not be made. */
  | 'sandbox'
  /** No program is known for the image. */
  | 'image'
  /** The container's description cannot be carried out: a missing ConfigMap, a volume that is not supported. */
  | 'config'
  /** The program could not be started. */
  | 'start'
  /** The container or sandbox is not there (any more). */
  | 'gone';

export class PodError extends OperatingError {
  declare readonly code: PodErrorCode;

  constructor(operation: string, code: PodErrorCode, state: string, cause?: unknown) {
    super(operation, code, state, cause);
    this.name = 'PodError';
  }
}

export const isPodError = (error: unknown, ...codes: PodErrorCode[]): error is PodError =>
  error instanceof PodError && (codes.length === 0 || codes.includes(error.code));
