import type { KubeInput, KubeObject } from './meta.ts';
import type { AnyObjectSchema, GivenOf, StoredOf } from './schema.ts';

/** One kind of the API: how it is named, where it lives, and what it looks like. */
export interface Resource<Stored extends KubeObject = KubeObject, Given extends KubeInput = KubeInput> {
  /** `''` is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly subresources: readonly ('status' | 'scale' | 'binding')[];
  readonly schema: AnyObjectSchema;
  /** Types only, never set. */
  readonly _stored?: Stored;
  readonly _given?: Given;
}

interface ResourceNames {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default true. */
  readonly namespaced?: boolean;
  readonly subresources?: readonly ('status' | 'scale' | 'binding')[];
}

export function defineResource<Schema extends AnyObjectSchema>(names: ResourceNames, schema: Schema) {
  return {
    group: names.group ?? '',
    version: names.version ?? 'v1',
    kind: names.kind,
    plural: names.plural,
    singular: names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: names.namespaced ?? true,
    subresources: names.subresources ?? [],
    schema,
  } as Resource<Extract<StoredOf<Schema>, KubeObject>, Extract<GivenOf<Schema>, KubeInput>>;
}

/** `v1`, `apps/v1`. */
export const apiVersionOf = (resource: Resource): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
