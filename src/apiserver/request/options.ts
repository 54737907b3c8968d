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

export const writeOptions = (query: URLSearchParams): WriteOptions => ({
  dryRun: isDryRun(query.getAll('dryRun')),
  // Upstream's default is Warn.
  fieldValidation: oneOf('fieldValidation', query.get('fieldValidation') || 'Warn', ['Ignore', 'Warn', 'Strict']),
});

/** Both places count: the query, and a DeleteOptions object as the body, which wins. */
export function deleteOptions(query: URLSearchParams, body: Record<string, unknown>): DeleteOptions {
  const given = body as {
    dryRun?: unknown;
    gracePeriodSeconds?: unknown;
    propagationPolicy?: string;
    orphanDependents?: boolean;
    preconditions?: { uid?: string; resourceVersion?: string };
  };
  const policy = given.propagationPolicy ?? query.get('propagationPolicy') ?? orphaning(given.orphanDependents);
  return {
    dryRun: isDryRun(stringsIn('dryRun', given.dryRun) ?? query.getAll('dryRun')),
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

function isDryRun(values: readonly string[]): boolean {
  const unknown = values.find((value) => value !== 'All');
  if (unknown !== undefined) unreadable('dryRun', unknown);
  return values.length > 0;
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
  refuse(
    failure('Invalid', `ListOptions.meta.k8s.io "" is invalid: ${field}: Forbidden: ${why}`, {
      group: 'meta.k8s.io',
      kind: 'ListOptions',
      causes: [{ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field }],
    }),
  );
