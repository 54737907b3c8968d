import { formatTime, type KubeObject, parseTime } from '../../kube/mod.ts';
import type { DeleteOptions } from '../request/options.ts';
import { raiseGeneration } from './metadata.ts';
import type { Strategy } from './strategy.ts';

/** What one delete request does to an object. */
export type DeletionStep =
  | { readonly type: 'remove' }
  /** It stays, marked, until its finalizers are gone and its time is over. */
  | { readonly type: 'mark'; readonly object: KubeObject }
  /** It is on its way out already and this request makes it no faster. */
  | { readonly type: 'wait' };

/** Upstream's BeforeDelete: `draft` is a copy that may be changed. */
export function planDeletion(
  draft: KubeObject,
  options: Pick<DeleteOptions, 'gracePeriodSeconds' | 'propagationPolicy'>,
  strategy: Strategy,
  nowMs: number,
): DeletionStep {
  const graceSeconds = strategy.gracePeriodSeconds?.(draft, options.gracePeriodSeconds) ?? 0;
  const changed = setDependentsFinalizer(draft, options.propagationPolicy);
  if (graceSeconds === 0 && !isHeldBack(draft, strategy)) return { type: 'remove' };
  const marked = draft.metadata.deletionTimestamp ? shorten(draft, graceSeconds) : mark(draft, graceSeconds, nowMs);
  if (!changed && !marked) return { type: 'wait' };
  if (marked) strategy.markDeleted?.(draft);
  return { type: 'mark', object: draft };
}

/** Whether an object that was written is now free to go (upstream's ShouldDeleteDuringUpdate). */
export const isDueForRemoval = (object: KubeObject, strategy: Strategy): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  !isHeldBack(object, strategy);

const isHeldBack = (object: KubeObject, strategy: Strategy) =>
  (object.metadata.finalizers ?? []).length > 0 || strategy.isHeld?.(object) === true;

function mark({ metadata }: KubeObject, graceSeconds: number, nowMs: number): true {
  metadata.deletionTimestamp = formatTime(nowMs + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  raiseGeneration({ metadata } as KubeObject);
  return true;
}

/** A period once begun is never made longer; the new one counts from when it began. */
function shorten({ metadata }: KubeObject, graceSeconds: number): boolean {
  const runningSeconds = metadata.deletionGracePeriodSeconds ?? 0;
  if (graceSeconds >= runningSeconds) return false;
  const endMs = parseTime(metadata.deletionTimestamp!) ?? 0;
  metadata.deletionTimestamp = formatTime(endMs + (graceSeconds - runningSeconds) * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  return true;
}

const dependentsFinalizers = { Orphan: 'orphan', Foreground: 'foregroundDeletion' } as const;

/** The garbage collector reads from these finalizers what is to become of the dependents. */
function setDependentsFinalizer({ metadata }: KubeObject, policy: DeleteOptions['propagationPolicy']): boolean {
  if (policy === undefined) return false;
  const before = metadata.finalizers ?? [];
  const others = before.filter((name) => !Object.values<string>(dependentsFinalizers).includes(name));
  const after = policy === 'Background' ? others : [...others, dependentsFinalizers[policy]];
  if (after.length === before.length && after.every((name) => before.includes(name))) return false;
  metadata.finalizers = after;
  return true;
}
