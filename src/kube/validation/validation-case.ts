import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDefaults, type Resource, validateObject, validateUpdate } from '../mod.ts';

/** One object and what is wrong with it: the tests of this folder are tables of these. */
export interface ValidationCase {
  readonly name: string;
  readonly resource: Resource;
  /** Without type; name and namespace are filled in. */
  readonly object: Record<string, unknown>;
  /** The case is an update of this. */
  readonly before?: Record<string, unknown>;
  /** `path: message`; one that ends in … is only begun here. */
  readonly errors: readonly string[];
}

export function testCases(cases: readonly ValidationCase[]): void {
  for (const each of cases) {
    const verb = each.before ? 'updated' : 'created';
    test(`${each.resource.kind} ${verb}, ${each.name}: ${each.errors.length} errors`, () => judge(each));
  }
}

function judge({ resource, object, before, errors }: ValidationCase): void {
  const filled = applyDefaults(resource, withMeta(resource, object));
  const found = before
    ? validateUpdate(resource, applyDefaults(resource, withMeta(resource, before)) as never, filled as never)
    : validateObject(resource, filled);
  const texts = found.map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(
    texts.map((text, index) => (errors[index]?.endsWith('…') ? `${text.slice(0, errors[index].length - 1)}…` : text)),
    errors,
  );
}

const withMeta = (resource: Resource, object: Record<string, unknown>) => ({
  ...object,
  metadata: { name: 'x', ...(resource.namespaced && { namespace: 'default' }), ...(object.metadata as object) },
});

/** A Pod of one container. */
export const pod = (spec: object = {}, fields: object = {}) => ({ spec: { containers: [container(fields)], ...spec } });

export const container = (fields: object = {}) => ({ name: 'a', image: 'a:1', ...fields });

/** A Service of one port. */
export const service = (spec: object, metadata = {}) => ({ metadata, spec: { ports: [{ port: 80 }], ...spec } });

export const labels = { app: 'web' };
