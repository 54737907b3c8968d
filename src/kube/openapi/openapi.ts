import { objectMeta } from '../meta.ts';
import type { Resource } from '../resource.ts';
import type { AnyArraySchema, AnyMapSchema, AnyObjectSchema, Field, Schema } from '../schema.ts';
import { namedSchemas } from './components.ts';

type OpenApiSchema = Record<string, unknown>;

/**
 * OpenAPI v3 component schemas by upstream's names (`io.k8s.api.core.v1.Service`), with the `x-kubernetes-*` extensions
 * by which kubectl computes strategic merge patches.
 */
export function openApiSchemas(resources: readonly Resource[]): Record<string, OpenApiSchema> {
  const components: Record<string, OpenApiSchema> = {};
  for (const resource of resources) {
    components[componentName(resource)] = {
      ...describeObject(resource.schema, components),
      'x-kubernetes-group-version-kind': [gvk(resource, resource.kind)],
    };
    components[`${componentName(resource)}List`] = listSchema(resource);
  }
  return components;
}

const gvk = ({ group, version }: Resource, kind: string) => ({ group, kind, version });

/** `discovery.k8s.io` → `discovery`. */
const componentName = ({ group, version, kind }: Resource): string =>
  `io.k8s.api.${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`;

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const listSchema = (resource: Resource): OpenApiSchema => ({
  type: 'object',
  required: ['items'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object', properties: { resourceVersion: { type: 'string' }, continue: { type: 'string' } } },
    items: { type: 'array', items: { allOf: [reference(componentName(resource))], default: {} } },
  },
  'x-kubernetes-group-version-kind': [gvk(resource, `${resource.kind}List`)],
});

function describe(schema: Schema, components: Record<string, OpenApiSchema>): OpenApiSchema {
  const name = namedSchemas.get(schema);
  if (name === undefined) return describeInline(schema, components);
  if (!components[name]) {
    components[name] = {};
    components[name] = describeInline(schema, components);
  }
  return { allOf: [reference(name)], ...(schema === objectMeta && { default: {} }) };
}

function describeInline(schema: Schema, components: Record<string, OpenApiSchema>): OpenApiSchema {
  switch (schema.kind) {
    case 'string':
      return {
        type: 'string',
        ...(schema.format && { format: schema.format }),
        ...(schema.values && { enum: [...schema.values] }),
        ...(schema.keyDefault !== undefined && { default: schema.keyDefault }),
        ...text(schema),
      };
    case 'integer':
      return { type: 'integer', format: schema.format, ...text(schema) };
    case 'boolean':
      return { type: 'boolean', ...text(schema) };
    case 'int-or-string':
      return {
        oneOf: [{ type: 'integer' }, { type: 'string' }],
        format: 'int-or-string',
        'x-kubernetes-int-or-string': true,
      };
    case 'quantity':
      return { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'any':
      return { 'x-kubernetes-preserve-unknown-fields': true };
    case 'map':
      return { type: 'object', additionalProperties: describe(schema.value, components), ...mapExtension(schema) };
    case 'array':
      return { type: 'array', items: describe(schema.item, components), ...listExtensions(schema) };
    case 'object':
      return describeObject(schema, components);
  }
}

function describeObject(schema: AnyObjectSchema, components: Record<string, OpenApiSchema>): OpenApiSchema {
  const fields: [string, Field][] = Object.entries(schema.fields);
  const required = fields.filter(([, { presence }]) => presence === 'required').map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, field]) => [name, describe(field.schema, components)])),
    ...(required.length > 0 && { required }),
    ...(schema.retainKeys && { 'x-kubernetes-patch-strategy': 'retainKeys' }),
    ...mapExtension(schema),
    ...text(schema),
  };
}

const mapExtension = ({ atomic }: AnyObjectSchema | AnyMapSchema): OpenApiSchema =>
  atomic ? { 'x-kubernetes-map-type': 'atomic' } : {};

function listExtensions({ merge, item }: AnyArraySchema): OpenApiSchema {
  if (!merge) return { 'x-kubernetes-list-type': 'atomic' };
  const strategy = item.kind === 'object' && item.retainKeys ? 'merge,retainKeys' : 'merge';
  if (merge.kind === 'set') return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': strategy };
  return {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [...merge.keys],
    'x-kubernetes-patch-merge-key': merge.keys[0],
    'x-kubernetes-patch-strategy': strategy,
  };
}

const text = ({ description }: { description?: string }) => (description === undefined ? {} : { description });
