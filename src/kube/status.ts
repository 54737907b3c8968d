import type { FieldError } from './validation/field-error.ts';

/** metav1.Status: how the API says that something failed (or that a delete succeeded). */
export interface Status {
  readonly apiVersion: 'v1';
  readonly kind: 'Status';
  /** ListMeta; `continue` of an Expired list leads on at the newest version. */
  readonly metadata: { readonly continue?: string };
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  /** The HTTP status. */
  readonly code: number;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural, or for `Invalid` the kind: upstream has it both ways. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** metav1.StatusReason and the HTTP status that each one goes with. */
export const statusCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;
export type StatusReason = keyof typeof statusCodes;

/** The parts of a Resource that messages name. */
interface ResourceNames {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
}

export const success = (details?: StatusDetails): Status => ({
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Success',
  ...(details && { details }),
  code: 200,
});

/** Any failure by its reason; the functions below say the same with upstream's words. */
export const failure = (reason: StatusReason, message: string, details?: StatusDetails): Status => ({
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  ...(details && { details }),
  code: statusCodes[reason],
});

export const notFound = (resource: ResourceNames, name: string): Status =>
  failure('NotFound', `${groupResource(resource)} ${quote(name)} not found`, named(resource, name));

/** A path that leads to no resource at all. */
export const noSuchResource = (): Status => failure('NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (resource: ResourceNames, name: string): Status =>
  failure('AlreadyExists', `${groupResource(resource)} ${quote(name)} already exists`, named(resource, name));

/** `why` defaults to the sentence for a stale resourceVersion. */
export const conflict = (resource: ResourceNames, name: string, why: string = modified): Status =>
  failure(
    'Conflict',
    `Operation cannot be fulfilled on ${groupResource(resource)} ${quote(name)}: ${why}`,
    named(resource, name),
  );

const modified = 'the object has been modified; please apply your changes to the latest version and try again';

export function invalid(resource: ResourceNames, name: string, errors: readonly FieldError[]): Status {
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  const causes = errors.map(({ path, type, message }): StatusCause => ({ reason: type, message, field: path }));
  return failure('Invalid', `${kind} ${quote(name)} is invalid: ${listed(errors)}`, {
    ...(name && { name }),
    ...(resource.group && { group: resource.group }),
    kind: resource.kind,
    causes,
  });
}

/** A patch that parses and cannot be applied to the object. */
export const unprocessable = (detail: string): Status =>
  failure('Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message: detail }],
  });

export const badRequest = (message: string): Status => failure('BadRequest', message);

/** A body that does not read as the kind which the URL asks for; `version` is the object's own (`v1`). */
export const undecodable = (given: { kind: string; version: string }, wanted: string, why: string): Status =>
  badRequest(`${given.kind} in version ${quote(given.version)} cannot be handled as a ${wanted}: ${why}`);

export const unauthorized = (): Status => failure('Unauthorized', 'Unauthorized');

export const forbidden = (resource: ResourceNames, name: string, why: string): Status =>
  failure(
    'Forbidden',
    `${groupResource(resource)}${name ? ` ${quote(name)}` : ''} is forbidden: ${why}`,
    named(resource, name),
  );

/** `action` is the verb: `deletecollection`. */
export const methodNotSupported = (resource: ResourceNames, action: string): Status =>
  failure(
    'MethodNotAllowed',
    `${action} is not supported on resources of kind ${quote(groupResource(resource))}`,
    named(resource, ''),
  );

/** A method that the path does not know, whatever the resource. */
export const methodNotAllowed = (): Status =>
  failure('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const notAcceptable = (accepted: readonly string[]): Status =>
  failure('NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);

export const unsupportedMediaType = (accepted: readonly string[]): Status =>
  failure(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

/** The version asked for is gone from the store's history; the caller lists again. */
export const expired = (message: string): Status => failure('Expired', message);

export const requestTooLarge = (limitBytes: number): Status =>
  failure('RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);

export const internalError = (why: string): Status =>
  failure('InternalError', `Internal error occurred: ${why}`, { causes: [{ reason: 'InternalError', message: why }] });

export const serviceUnavailable = (why: string): Status => failure('ServiceUnavailable', why);

export const timedOut = (why: string, retryAfterSeconds?: number): Status =>
  failure('Timeout', `Timeout: ${why}`, retryAfterSeconds === undefined ? undefined : { retryAfterSeconds });

/** Tells a Status from any other object of the API. */
export const isStatus = (value: unknown): value is Status =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status' && 'code' in value;

const groupResource = ({ group, plural }: ResourceNames) => (group === '' ? plural : `${plural}.${group}`);

const named = ({ group, plural }: ResourceNames, name: string): StatusDetails => ({
  ...(name && { name }),
  ...(group && { group }),
  kind: plural,
});

function listed(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ path, message }) => `${path}: ${message}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

const quote = (text: string) => JSON.stringify(text);
