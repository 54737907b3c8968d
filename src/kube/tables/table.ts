import type { KubeObject } from '../meta.ts';
import type { Resource } from '../resource.ts';
import { parseTime } from '../time.ts';

/** metav1.TableColumnDefinition. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly format: '' | 'name';
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: 0 | 1;
}

export interface Table<S extends KubeObject = KubeObject> {
  readonly columns: readonly TableColumn[];
  /** The cells of one object, one per column; `nowMs` is milliseconds since the epoch. */
  row(object: S, nowMs: number): (string | number)[];
}

/** What kubectl prints for a kind. */
export function tableOf<S extends KubeObject>(_resource: Resource<S, any>): Table<S> {
  return {
    columns: [
      { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', description: '', priority: 0 },
    ],
    row: (object, nowMs) => [object.metadata.name, ageOf(object, nowMs)],
  };
}

const ageOf = (object: KubeObject, nowMs: number) => {
  const createdMs = parseTime(object.metadata.creationTimestamp);
  return createdMs === undefined ? '<unknown>' : `${Math.floor((nowMs - createdMs) / 1000)}s`;
};
