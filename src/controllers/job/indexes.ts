import type { Pod } from '../../kube/mod.ts';

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** -1 for a Pod that says none. */
export const indexOf = ({ metadata }: Pod): number => Number(metadata.annotations?.[indexAnnotation] ?? -1);

/** `0,2-4`, and the indexes of Pods that have succeeded since. */
export function completedIndexes(text: string | undefined, succeeded: readonly Pod[]): Set<number> {
  const indexes = new Set(succeeded.map(indexOf).filter((index) => index >= 0));
  for (const part of (text ?? '').split(',').filter(Boolean)) {
    const [first, last = first] = part.split('-').map(Number);
    for (let index = first!; index <= last!; index++) indexes.add(index);
  }
  return indexes;
}

/** In order, neighbours as a range. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const ranges: [number, number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range && range[1] === index - 1) range[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
