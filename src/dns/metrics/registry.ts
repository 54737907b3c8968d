import { createRequire } from 'node:module';

/**
 * The one part of prom-client that is used here: what turns values into text. All of it would bring its push gateway,
 * node:cluster, zlib and OpenTelemetry along, 10 MiB of a process that has 80.
 */
export const Registry = createRequire(import.meta.url)(
  'prom-client/lib/registry.js',
) as typeof import('prom-client').Registry;
export type Registry = import('prom-client').Registry;
