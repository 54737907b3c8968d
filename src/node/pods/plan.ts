import { mayRestartAtMs } from './back-off.ts';
import { isOver, phaseOf } from './phase.ts';
import { type ContainerView, isInitialized, isRunning, type PodView, restarts } from './view.ts';

/** One thing to do for a Pod. */
export type PodAction =
  | { readonly kind: 'start-sandbox' }
  /** What is left of a sandbox: of one that died, or of one that has served. */
  | { readonly kind: 'stop-sandbox' }
  | { readonly kind: 'start'; readonly container: ContainerView }
  | { readonly kind: 'stop'; readonly container: ContainerView; readonly because: 'pod' | 'condemned' };

export interface PodPlan {
  readonly actions: readonly PodAction[];
  /** Look again then, though nothing has happened. */
  readonly wakeAtMs?: number;
  /** Nothing runs and nothing will. */
  readonly settled: boolean;
}

/** Level-triggered and pure: what to do follows from what is, not from what was done before. */
export function planPod(view: PodView): PodPlan {
  return view.deleting || isOver(phaseOf(view)) ? planEnd(view) : planRun(view);
}

function planEnd(view: PodView): PodPlan {
  const running = view.containers.filter(isRunning);
  const actions = running
    .filter(({ stopping }) => !stopping)
    .map((container): PodAction => ({ kind: 'stop', container, because: 'pod' }));
  if (running.length > 0) return { actions, settled: false };
  if (view.sandbox?.ready) return { actions: [{ kind: 'stop-sandbox' }], settled: false };
  return { actions: [], settled: true };
}

function planRun(view: PodView): PodPlan {
  const condemned = view.containers.filter(
    (container) => isRunning(container) && container.condemned && !container.stopping,
  );
  const stops = condemned.map((container): PodAction => ({ kind: 'stop', container, because: 'condemned' }));
  if (!view.sandbox?.ready) return planSandbox(view, stops);
  const starts = wanted(view).map((container) => ({ container, atMs: startAtMs(container) }));
  const due = starts.filter(({ atMs }) => atMs <= view.nowMs);
  const later = starts.map(({ atMs }) => atMs).filter((atMs) => atMs > view.nowMs);
  return {
    actions: [...stops, ...due.map(({ container }): PodAction => ({ kind: 'start', container }))],
    ...(later.length > 0 ? { wakeAtMs: Math.min(...later) } : {}),
    settled: false,
  };
}

function planSandbox(view: PodView, stops: readonly PodAction[]): PodPlan {
  // Its containers died with it; when their ends are noted, all is told from the beginning.
  if (view.containers.some(isRunning)) return { actions: stops, settled: false };
  const retryAtMs = view.sandboxRetryAtMs ?? 0;
  if (retryAtMs > view.nowMs) return { actions: [], wakeAtMs: retryAtMs, settled: false };
  return { actions: [{ kind: 'start-sandbox' }], settled: false };
}

/** The containers that are to run now and do not: one init container after the other, then all the others. */
function wanted(view: PodView): ContainerView[] {
  const init = view.containers.filter(({ role }) => role !== 'main');
  const sidecars: ContainerView[] = [];
  for (const container of init) {
    if (isInitialized(view, container)) continue;
    if (isRunning(container)) return sidecars;
    // A sidecar that has been up and fell down holds nothing back that runs already, but does what has not begun.
    sidecars.push(container);
    if (!hasBegun(view)) return sidecars;
  }
  const main = view.containers.filter(({ role }) => role === 'main');
  return [...sidecars, ...main.filter((container) => wantsStart(view, container))];
}

const hasBegun = (view: PodView) =>
  view.containers.some(
    ({ role, current }) => role === 'main' && current && current.sandboxAttempt === view.sandbox?.attempt,
  );

const wantsStart = (view: PodView, container: ContainerView) =>
  !isRunning(container) && (container.current === undefined || restarts(view, container));

function startAtMs({ current, backOff, obstacle, role }: ContainerView): number {
  if (obstacle) return obstacle.retryAtMs;
  // One that ended well is not started for a failure: an init container of an earlier sandbox.
  if (!current?.exit || (role === 'init' && current.exit.code === 0)) return 0;
  return mayRestartAtMs(backOff, current.exit.finishedAtMs);
}
