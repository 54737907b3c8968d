import type { Resource } from '../resource.ts';

export type OpenApiSchema = Record<string, unknown>;

/** OpenAPI v3 component schemas by their upstream names (`io.k8s.api.core.v1.Service`). */
export function openApiSchemas(resources: readonly Resource[]): Record<string, OpenApiSchema> {
  return Object.fromEntries(resources.map((resource) => [resource.kind, { type: 'object' }]));
}
