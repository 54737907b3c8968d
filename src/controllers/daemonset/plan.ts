import { type DaemonSet, type Node, type Pod, resolveIntOrPercent } from '../../kube/mod.ts';
import { availableInMs, isFinished, isTerminating } from '../shared/pods.ts';
import { revisionOf } from '../shared/revisions.ts';
import { type Fit, fitOf, nodeOf } from './placement.ts';

export interface DaemonPlan {
  /** Names of the nodes that get a Pod. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
}

/** A node, and the Pods that were made for it, oldest first. */
export interface Place {
  readonly name: string;
  readonly fit: Fit;
  readonly pods: readonly Pod[];
}

export function placesOf(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): Place[] {
  const byNode = Map.groupBy(oldestFirst(pods), (pod) => nodeOf(pod) ?? '');
  const known = nodes.map((node) => ({
    name: node.metadata.name,
    fit: fitOf(set, node),
    pods: byNode.get(node.metadata.name) ?? [],
  }));
  const names = new Set(known.map(({ name }) => name));
  // Those whose node is gone go too, unless it had them: then the Pod collector takes them.
  const gone = { shouldRun: false, mayStay: false };
  const lost = [...byNode].filter(([name]) => !names.has(name));
  return [
    ...known,
    ...lost.map(([name, left]) => ({ name, fit: gone, pods: left.filter((pod) => !pod.spec.nodeName) })),
  ];
}

const oldestFirst = (pods: readonly Pod[]) =>
  [...pods].sort((a, b) => {
    const [first, second] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.name}`);
    return first! < second! ? -1 : 1;
  });

/** @param hash of the present template, as Pods bear it */
export function planPods(set: DaemonSet, places: readonly Place[], hash: string, nowMs: number): DaemonPlan {
  const { maxSurge, maxUnavailable } = limitsOf(set, places);
  const view = { hash, isAvailable: (pod: Pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) === 0 };
  const kept = keepOne(places, view, maxSurge > 0);
  if (set.spec.updateStrategy.type !== 'RollingUpdate') return kept;
  const updated = maxSurge > 0 ? surge(places, view, maxSurge) : replace(places, view, maxUnavailable);
  return {
    create: [...new Set([...kept.create, ...updated.create])],
    delete: [...new Set([...kept.delete, ...updated.delete])],
  };
}

interface View {
  readonly hash: string;
  readonly isAvailable: (pod: Pod) => boolean;
}

function limitsOf({ spec: { updateStrategy } }: DaemonSet, places: readonly Place[]) {
  const wanted = places.filter(({ fit }) => fit.shouldRun).length;
  const { maxSurge = 0, maxUnavailable = 1 } = updateStrategy.rollingUpdate ?? {};
  const surging = resolveIntOrPercent(maxSurge, wanted, true);
  // Percentages that round down to nothing would stop every update.
  const unavailable = resolveIntOrPercent(maxUnavailable, wanted, true);
  return { maxSurge: surging, maxUnavailable: surging === 0 && unavailable === 0 ? 1 : unavailable };
}

/** One on every node that should have one, and none where it may not be. */
function keepOne(places: readonly Place[], { hash }: View, surges: boolean): DaemonPlan {
  const create: string[] = [];
  const remove: Pod[] = [];
  for (const { name, fit, pods } of places) {
    const staying = pods.filter((pod) => !isTerminating(pod));
    if (fit.shouldRun && pods.length === 0) create.push(name);
    if (!fit.mayStay) remove.push(...staying);
    else {
      const running = staying.filter((pod) => !isFinished(pod));
      // What has ended makes room; of those that run the oldest stays, while an update surges one of each kind.
      remove.push(...staying.filter(isFinished), ...(surges ? beyondOneOfEach(running, hash) : running.slice(1)));
    }
  }
  return { create, delete: remove };
}

const beyondOneOfEach = (pods: readonly Pod[], hash: string) =>
  [true, false].flatMap((isNew) => pods.filter((pod) => (revisionOf(pod) === hash) === isNew).slice(1));

interface Pair {
  readonly name: string;
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
}

const pairsOf = (places: readonly Place[], hash: string): Pair[] =>
  places
    .filter(({ fit }) => fit.shouldRun)
    .map(({ name, pods }) => {
      const running = pods.filter((pod) => !isTerminating(pod) && !isFinished(pod));
      return {
        name,
        fresh: running.find((pod) => revisionOf(pod) === hash),
        old: running.find((pod) => revisionOf(pod) !== hash),
      };
    });

/** Old Pods go first, as many as may be missing; those that are not available are missing already. */
function replace(places: readonly Place[], { hash, isAvailable }: View, maxUnavailable: number): DaemonPlan {
  const pairs = pairsOf(places, hash);
  const serving = ({ fresh, old }: Pair) => [fresh, old].some((pod) => pod && isAvailable(pod));
  const unavailable = pairs.filter((pair) => !serving(pair)).length;
  const old = pairs.flatMap(({ fresh, old: pod }) => (pod && !fresh ? [pod] : []));
  const useless = old.filter((pod) => !isAvailable(pod));
  const next = old.filter(isAvailable).slice(0, Math.max(0, maxUnavailable - unavailable));
  return { create: [], delete: [...useless, ...next] };
}

/** New Pods come first, beside the old, which go when the new are available. */
function surge(places: readonly Place[], { hash, isAvailable }: View, maxSurge: number): DaemonPlan {
  const pairs = pairsOf(places, hash);
  const both = pairs.filter(({ fresh, old }) => fresh && old);
  const done = both.filter(({ fresh }) => isAvailable(fresh!));
  const waiting = pairs.filter(({ fresh, old }) => old && !fresh);
  // Beside one that serves nobody a new one is no surge.
  const useless = waiting.filter(({ old }) => !isAvailable(old!));
  const next = waiting
    .filter(({ old }) => isAvailable(old!))
    .slice(0, Math.max(0, maxSurge - (both.length - done.length)));
  return { create: [...useless, ...next].map(({ name }) => name), delete: done.map(({ old }) => old!) };
}
