import { isRunning, type PodView, restarts } from './view.ts';

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** status.phase, as kubelet computes it (pkg/kubelet/kubelet_pods.go, getPhase). */
export function phaseOf(view: PodView): Phase {
  if (view.concluded) return view.concluded;
  if (view.failure) return 'Failed';
  const init = view.containers.filter(({ role }) => role !== 'main');
  if (init.some((container) => container.role === 'init' && hasFailedForGood(view, container))) return 'Failed';
  const main = view.containers.filter(({ role }) => role === 'main');
  const begun = main.every(({ current }) => current !== undefined);
  if (!begun) return 'Pending';
  if (main.some((container) => isRunning(container) || (!view.deleting && restarts(view, container)))) return 'Running';
  return main.every(({ current }) => current?.exit?.code === 0) ? 'Succeeded' : 'Failed';
}

/** It will never run (again): what is left of it can be taken down. */
export const isOver = (phase: Phase): boolean => phase === 'Succeeded' || phase === 'Failed';

function hasFailedForGood(view: PodView, container: PodView['containers'][number]): boolean {
  const { current } = container;
  return current?.exit !== undefined && current.exit.code !== 0 && !restarts(view, container);
}
