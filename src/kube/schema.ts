/**
 * The language in which Kubernetes objects are described, once: the same value gives TypeScript its types, tells
 * validation what a field may hold, tells strategic merge patch how a list merges, and tells OpenAPI what to publish.
 *
 * A field is optional unless it is wrapped:
 * - `required(schema)`: whoever writes the object must give it;
 * - `filled(schema)`: may be left out by the writer, but whoever reads a stored object finds it (defaults, metadata).
 */

export type Presence = 'optional' | 'required' | 'filled';

/** How a list merges under strategic merge patch and server-side apply (the `x-kubernetes-*` extensions of OpenAPI). */
export type ListMerge = { readonly kind: 'map'; readonly keys: readonly string[] } | { readonly kind: 'set' };

interface SchemaTypes<Stored, Given> {
  /** Types only, never set: what a reader finds and what a writer may give. */
  readonly _stored?: Stored;
  readonly _given?: Given;
  readonly description?: string;
}

export interface StringSchema<Value extends string = string> extends SchemaTypes<Value, Value> {
  readonly kind: 'string';
  readonly values?: readonly Value[];
  /** What an item that leaves this field out is identified by, where the field is one of its list's keys. */
  readonly keyDefault?: Value;
  /** `date-time` is RFC 3339 with a second's or a microsecond's precision; `byte` is base64. */
  readonly format?: 'date-time' | 'byte';
}
export interface IntegerSchema extends SchemaTypes<number, number> {
  readonly kind: 'integer';
  readonly format: 'int32' | 'int64';
}
export interface BooleanSchema extends SchemaTypes<boolean, boolean> {
  readonly kind: 'boolean';
}
export interface IntOrStringSchema extends SchemaTypes<number | string, number | string> {
  readonly kind: 'int-or-string';
}
/** Kubernetes' resource.Quantity: `100m`, `1Gi`, or a plain number. */
export interface QuantitySchema extends SchemaTypes<string | number, string | number> {
  readonly kind: 'quantity';
}
/** Anything that JSON can say; kept as it is. */
export interface AnySchema extends SchemaTypes<unknown, unknown> {
  readonly kind: 'any';
}
export interface MapSchema<Value extends Schema = Schema>
  extends SchemaTypes<Record<string, StoredOf<Value>>, Record<string, GivenOf<Value>>> {
  readonly kind: 'map';
  readonly value: Value;
  readonly atomic?: true;
}
export interface ArraySchema<Item extends Schema = Schema> extends SchemaTypes<StoredOf<Item>[], GivenOf<Item>[]> {
  readonly kind: 'array';
  readonly item: Item;
  /** Without it a patch replaces the whole list. */
  readonly merge?: ListMerge;
}
export interface ObjectSchema<Fields extends FieldTable = FieldTable>
  extends SchemaTypes<StoredFields<Fields>, GivenFields<Fields>> {
  readonly kind: 'object';
  readonly fields: { readonly [Name in keyof Fields]: Field };
  /** A union by field names (`strategy`, a volume): `kubectl apply` says in its patch which fields stay. */
  readonly retainKeys?: true;
  readonly atomic?: true;
}

export type Schema =
  | StringSchema
  | IntegerSchema
  | BooleanSchema
  | IntOrStringSchema
  | QuantitySchema
  | AnySchema
  | AnyMapSchema
  | AnyArraySchema
  | AnyObjectSchema;

// biome-ignore lint/suspicious/noExplicitAny: code that walks schemas does not know their types, only their kinds
export type AnyMapSchema = MapSchema<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyArraySchema = ArraySchema<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyObjectSchema = ObjectSchema<any>;

export interface Field {
  readonly schema: Schema;
  readonly presence: Presence;
}

interface PresentField<Type extends Schema, Kind extends Presence> extends Field {
  readonly schema: Type;
  readonly presence: Kind;
}

type FieldTable = Record<string, Schema | PresentField<Schema, Presence>>;
type SchemaOf<Entry> = Entry extends PresentField<infer Type, Presence> ? Type : Entry;

export type StoredOf<Type> = Type extends SchemaTypes<infer Stored, unknown> ? Exclude<Stored, undefined> : never;
export type GivenOf<Type> = Type extends SchemaTypes<unknown, infer Given> ? Exclude<Given, undefined> : never;

type NamesWith<Fields, Kinds extends Presence> = {
  [Name in keyof Fields]: Fields[Name] extends PresentField<Schema, infer Kind>
    ? Kind extends Kinds
      ? Name
      : never
    : never;
}[keyof Fields];

type Flat<Type> = { [Name in keyof Type]: Type[Name] };
type StoredFields<Fields> = Flat<
  { [Name in NamesWith<Fields, 'required' | 'filled'>]: StoredOf<SchemaOf<Fields[Name]>> } & {
    [Name in Exclude<keyof Fields, NamesWith<Fields, 'required' | 'filled'>>]?: StoredOf<SchemaOf<Fields[Name]>>;
  }
>;
type GivenFields<Fields> = Flat<
  { [Name in NamesWith<Fields, 'required'>]: GivenOf<SchemaOf<Fields[Name]>> } & {
    [Name in Exclude<keyof Fields, NamesWith<Fields, 'required'>>]?: GivenOf<SchemaOf<Fields[Name]>>;
  }
>;

export const string = (description?: string): StringSchema => ({ kind: 'string', ...withText(description) });
export const oneOf = <const Value extends string>(...values: Value[]): StringSchema<Value> => ({
  kind: 'string',
  values,
});
export const time = (): StringSchema => ({ kind: 'string', format: 'date-time' });
export const bytes = (): StringSchema => ({ kind: 'string', format: 'byte' });
export const integer = (description?: string): IntegerSchema => ({
  kind: 'integer',
  format: 'int32',
  ...withText(description),
});
export const integer64 = (): IntegerSchema => ({ kind: 'integer', format: 'int64' });
export const boolean = (description?: string): BooleanSchema => ({ kind: 'boolean', ...withText(description) });
export const intOrString = (): IntOrStringSchema => ({ kind: 'int-or-string' });
export const quantity = (): QuantitySchema => ({ kind: 'quantity' });
export const any = (): AnySchema => ({ kind: 'any' });
export const map = <Value extends Schema>(value: Value): MapSchema<Value> => ({ kind: 'map', value });
/** A list that a patch replaces whole. */
export const list = <Item extends Schema>(item: Item): ArraySchema<Item> => ({ kind: 'array', item });
/** A list that merges item by item; `keys` name the fields that identify an item, the first one for strategic merge. */
export const mergeList = <Item extends Schema>(item: Item, ...keys: string[]): ArraySchema<Item> => ({
  kind: 'array',
  item,
  merge: { kind: 'map', keys },
});
/** A list of distinct scalars. */
export const setList = <Item extends Schema>(item: Item): ArraySchema<Item> => ({
  kind: 'array',
  item,
  merge: { kind: 'set' },
});

export const required = <Type extends Schema>(schema: Type): PresentField<Type, 'required'> => ({
  schema,
  presence: 'required',
});
export const filled = <Type extends Schema>(schema: Type): PresentField<Type, 'filled'> => ({
  schema,
  presence: 'filled',
});

export function object<const Fields extends FieldTable>(fields: Fields): ObjectSchema<Fields> {
  const entries = Object.entries(fields).map(([name, entry]): [string, Field] => [
    name,
    'presence' in entry ? entry : { schema: entry, presence: 'optional' },
  ]);
  return { kind: 'object', fields: Object.fromEntries(entries) as ObjectSchema<Fields>['fields'] };
}

/** What server-side apply takes for one value: whoever owns it owns all of it (`x-kubernetes-map-type: atomic`). */
export const atomic = <Type extends AnyObjectSchema | AnyMapSchema>(schema: Type): Type => ({
  ...schema,
  atomic: true,
});

/** A field that is a key of its list: what stands for it where it is left out. */
export const keyDefault = <Value extends string>(schema: StringSchema<Value>, value: Value): StringSchema<Value> => ({
  ...schema,
  keyDefault: value,
});

/** For a union whose members are fields: only one of them may be set. */
export const retainKeys = <Type extends AnyObjectSchema>(schema: Type): Type => ({ ...schema, retainKeys: true });

const withText = (description: string | undefined) => (description === undefined ? {} : { description });
