import { humanDuration } from '../duration.ts';
import type { KubeObject } from '../meta.ts';
import { parseTime } from '../time.ts';

/** One column of a kind's table: metav1.TableColumnDefinition and how an object fills it. */
export interface Column<S extends KubeObject> {
  readonly name: string;
  readonly type: 'string' | 'integer';
  readonly format: '' | 'name';
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: 0 | 1;
  /** `nowMs` is milliseconds since the epoch. */
  readonly cell: (object: S, nowMs: number) => Cell;
}

export type Cell = string | number;

export const column = <S extends KubeObject>(
  name: string,
  description: string,
  cell: (object: S, nowMs: number) => Cell,
  type: 'string' | 'integer' = 'string',
): Column<S> => ({ name, type, format: '', description, priority: 0, cell });

/** A column that only `-o wide` shows. */
export const wide = <S extends KubeObject>(
  name: string,
  description: string,
  cell: (object: S, nowMs: number) => Cell,
): Column<S> => ({ ...column(name, description, cell), priority: 1 });

export const nameColumn: Column<KubeObject> = {
  ...column('Name', 'The name of the object, unique within its namespace', ({ metadata }) => metadata.name),
  format: 'name',
};

export const ageColumn: Column<KubeObject> = column('Age', 'Time since the object was created', (object, nowMs) =>
  since(object.metadata.creationTimestamp, nowMs),
);

/** `5m3s`; `<unknown>` for a time that is not set. */
export function since(time: string | undefined, nowMs: number): string {
  const thenMs = time === undefined ? undefined : parseTime(time);
  return thenMs === undefined ? '<unknown>' : humanDuration(nowMs - thenMs);
}

export const none = '<none>';

/** `a=b,c=d`, sorted by key. */
export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',') || none;

/** The first three, then how many more there are. */
export function firstThree(items: readonly string[], empty: string): string {
  if (items.length === 0) return empty;
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}
