import { badRequest, failure } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';

/** What a list or watch asks for, as the query says it. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** 0: everything in one answer. */
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean;
  readonly timeoutSeconds: number | undefined;
}

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  /** '' when the client does not say. */
  readonly fieldManager: string;
}

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
}

export const isWatch = (query: URLSearchParams): boolean => flag(query, 'watch');

export function listOptions(query: URLSearchParams): ListOptions {
  const match = query.get('resourceVersionMatch') ?? '';
  const options = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: wholeNumber(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    resourceVersion: resourceVersionIn(query),
    resourceVersionMatch: oneOf('resourceVersionMatch', match, ['', 'Exact', 'NotOlderThan']),
  };
  checkMatch(options);
  if (query.has('sendInitialEvents')) forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  // A token says itself at which version it goes on; 0 asks for nothing.
  if (options.continue !== '' && options.resourceVersion !== '' && options.resourceVersion !== '0')
    refuse(badRequest('specifying resource version is not allowed when using continue'));
  return options;
}

/** The combinations that upstream refuses (ValidateListOptions of apimachinery). */
function checkMatch({ resourceVersion, resourceVersionMatch, continue: token }: ListOptions): void {
  if (resourceVersionMatch === '') return;
  if (token !== '') forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
  if (resourceVersion === '')
    forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (resourceVersionMatch === 'Exact' && resourceVersion === '0')
    forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}

export function watchOptions(query: URLSearchParams): WatchOptions {
  const sendInitialEvents = flag(query, 'sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  if (sendInitialEvents && match !== 'NotOlderThan')
    forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (!query.has('sendInitialEvents') && match !== '')
    forbidden(
      'resourceVersionMatch',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  return {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: 0,
    continue: '',
    resourceVersion: resourceVersionIn(query),
    resourceVersionMatch: '',
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents,
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
  };
}

/** `kind` is what upstream calls the options of the verb: its refusals name it. */
export function writeOptions(query: URLSearchParams, kind: WriteOptionsKind): WriteOptions {
  if (query.has('force')) {
    const why = 'Forbidden: may not be specified for non-apply patch';
    if (kind === 'PatchOptions') refuse(invalidOptions(kind, 'force', 'FieldValueForbidden', why));
  }
  return commonOptions(query, kind);
}

/** What a server-side apply asks for. */
export interface ApplyOptions extends WriteOptions {
  readonly force: boolean;
}

export function applyOptions(query: URLSearchParams): ApplyOptions {
  const options = commonOptions(query, 'PatchOptions');
  const why = 'Required value: is required for apply patch';
  if (!options.fieldManager) refuse(invalidOptions('PatchOptions', 'fieldManager', 'FieldValueRequired', why));
  return { ...options, force: flag(query, 'force') };
}

type WriteOptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions';

const commonOptions = (query: URLSearchParams, kind: WriteOptionsKind): WriteOptions => ({
  dryRun: isDryRun(query.getAll('dryRun'), kind),
  // Upstream's default is Warn.
  fieldValidation: fieldValidationIn(query.get('fieldValidation') || 'Warn', kind),
  fieldManager: fieldManagerIn(query, kind),
});

const fieldValidations = ['Ignore', 'Strict', 'Warn'] as const;

const fieldValidationIn = (text: string, kind: WriteOptionsKind): WriteOptions['fieldValidation'] =>
  fieldValidations.find((value) => value === text) ??
  unsupported(kind, 'fieldValidation', text, ['', ...fieldValidations]);

const maxFieldManagerBytes = 128;

function fieldManagerIn(query: URLSearchParams, kind: WriteOptionsKind): string {
  const text = query.get('fieldManager') ?? '';
  const refused = (type: string, why: string) => refuse(invalidOptions(kind, 'fieldManager', type, why));
  if (Buffer.byteLength(text) > maxFieldManagerBytes)
    refused('FieldValueTooLong', `Too long: may not be more than ${maxFieldManagerBytes} bytes`);
  if (!isPrintable(text))
    refused('FieldValueInvalid', `Invalid value: ${JSON.stringify(text)}: should only contain printable characters`);
  return text;
}

/** Unicode's letters, marks, numbers, punctuation and symbols, and the plain space (Go's unicode.IsPrint). */
const isPrintable = (text: string) => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text);

/** Who writes when the client does not say: the program, by its user agent (`kubectl/v1.36.0 (linux/amd64)`). */
export function managerOf(userAgent: string | undefined): string {
  const program = (userAgent ?? '').split('/')[0]!.slice(0, maxFieldManagerBytes);
  return Array.from(program).filter(isPrintable).join('');
}

/** Both places count: the query, and a DeleteOptions object as the body, which wins. */
export function deleteOptions(query: URLSearchParams, body: Record<string, unknown>): DeleteOptions {
  const given = body as {
    dryRun?: unknown;
    gracePeriodSeconds?: unknown;
    propagationPolicy?: string;
    orphanDependents?: boolean;
    preconditions?: { uid?: string; resourceVersion?: string };
  };
  if (given.propagationPolicy && given.orphanDependents !== undefined && given.orphanDependents !== null)
    refuse(
      invalidOptions(
        'DeleteOptions',
        'propagationPolicy',
        'FieldValueInvalid',
        `Invalid value: ${JSON.stringify(given.propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
      ),
    );
  const policy = given.propagationPolicy ?? query.get('propagationPolicy') ?? orphaning(given.orphanDependents);
  return {
    dryRun: isDryRun(stringsIn('dryRun', given.dryRun) ?? query.getAll('dryRun'), 'DeleteOptions'),
    gracePeriodSeconds: graceOf(given.gracePeriodSeconds) ?? wholeNumber(query, 'gracePeriodSeconds'),
    propagationPolicy: policy ? oneOf('propagationPolicy', policy, ['Orphan', 'Background', 'Foreground']) : undefined,
    preconditions: given.preconditions ?? {},
  };
}

const orphaning = (orphan: boolean | undefined) =>
  orphan === undefined ? undefined : orphan ? 'Orphan' : 'Background';

function graceOf(given: unknown): number | undefined {
  if (given === undefined || given === null) return undefined;
  // Upstream takes a negative period for the shortest that still is graceful.
  return Number.isInteger(given) ? Math.max(given as number, -1) : unreadable('gracePeriodSeconds', String(given));
}

function stringsIn(name: string, given: unknown): string[] | undefined {
  if (given === undefined || given === null) return undefined;
  const isList = Array.isArray(given) && given.every((value) => typeof value === 'string');
  return isList ? given : unreadable(name, JSON.stringify(given));
}

function isDryRun(values: readonly string[], kind: WriteOptionsKind | 'DeleteOptions'): boolean {
  const unknown = values.find((value) => value !== 'All');
  if (unknown !== undefined) unsupported(kind, 'dryRun', unknown, ['All']);
  return values.length > 0;
}

function unsupported(kind: string, field: string, value: string, supported: readonly string[]): never {
  const quoted = supported.map((each) => JSON.stringify(each)).join(', ');
  const why = `Unsupported value: ${JSON.stringify(value)}: supported values: ${quoted}`;
  return refuse(invalidOptions(kind, field, 'FieldValueNotSupported', why));
}

function resourceVersionIn(query: URLSearchParams): string {
  const text = query.get('resourceVersion') ?? '';
  return text === '' || /^\d{1,15}$/.test(text) ? text : unreadable('resourceVersion', text);
}

const flag = (query: URLSearchParams, name: string) => {
  const value = query.get(name);
  return value !== null && value !== 'false' && value !== '0';
};

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : unreadable(name, text);
}

function oneOf<const Value extends string>(name: string, text: string, values: readonly Value[]): Value {
  return values.find((value) => value === text) ?? unreadable(name, text);
}

const unreadable = (name: string, text: string): never =>
  refuse(badRequest(`${name}: Invalid value: ${JSON.stringify(text)}`));

const forbidden = (field: string, why: string): never =>
  refuse(invalidOptions('ListOptions', field, 'FieldValueForbidden', `Forbidden: ${why}`));

const invalidOptions = (kind: string, field: string, reason: string, message: string) =>
  failure('Invalid', `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: 'meta.k8s.io',
    kind,
    causes: [{ reason, message, field }],
  });
