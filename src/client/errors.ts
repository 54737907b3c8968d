import { OperatingError } from '../base/errors.ts';
import { statusCodes } from '../kube/port.ts';

/** metav1.Status as it arrives: some server wrote it, so nothing of it is certain. */
export interface ReceivedStatus {
  readonly kind?: 'Status';
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/**
 * The API said no, or said nothing. `code` is the Status reason (`NotFound`), or `Unreachable` when there was no
 * answer at all: then `statusCode` is 0 and whether a write happened is unknown.
 */
export class ApiError extends OperatingError {
  readonly statusCode: number;
  readonly status: ReceivedStatus;

  constructor(operation: string, statusCode: number, status: ReceivedStatus, cause?: unknown) {
    super(operation, status.reason || reasonOf(statusCode), status.message || `HTTP status ${statusCode}`, cause);
    this.name = 'ApiError';
    this.statusCode = statusCode;
    this.status = status;
  }
}

/** No answer: connection refused, lost, timed out, or ended before its time. */
export const unreachable = (operation: string, state: string, cause?: unknown): ApiError =>
  new ApiError(operation, 0, { reason: 'Unreachable', message: state }, cause);

/** For answers that carry no Status body (a proxy's, or a truncated one). */
const reasons = new Map(Object.entries(statusCodes).map(([reason, code]): [number, string] => [code, reason]));
const reasonOf = (statusCode: number) => reasons.get(statusCode) ?? 'Unknown';

const hasCode = (error: unknown, ...codes: string[]) => error instanceof ApiError && codes.includes(error.code);

export const isNotFound = (error: unknown): boolean => hasCode(error, 'NotFound');
/** The object has another version than the write expected, or another uid than its precondition. */
export const isConflict = (error: unknown): boolean => hasCode(error, 'Conflict');
export const isAlreadyExists = (error: unknown): boolean => hasCode(error, 'AlreadyExists');
/** The resourceVersion is older than the server's history: list again (410, both of its reasons). */
export const isExpired = (error: unknown): boolean =>
  error instanceof ApiError && (error.statusCode === 410 || hasCode(error, 'Expired', 'Gone'));
/**
 * The resourceVersion is newer than anything the server has: it lost or was restored to older data. Upstream answers
 * 504 with this cause (staging/src/k8s.io/apiserver/pkg/storage/errors.go, NewTooLargeResourceVersionError).
 */
export const isVersionTooLarge = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') ?? false);
/** Trying again later can help: no answer, overload, or a server that is starting or stopping. */
export const isUnavailable = (error: unknown): boolean =>
  hasCode(error, 'Unreachable', 'ServiceUnavailable', 'TooManyRequests', 'Timeout', 'ServerTimeout', 'InternalError');
/** There was no answer at all. */
export const isUnreachable = (error: unknown): boolean => hasCode(error, 'Unreachable');
