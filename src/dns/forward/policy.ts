import type { ForwardingOptions } from './options.ts';

/** Brings a list into the order in which it is to be tried; the next question may get another order. */
export type Policy = <Item>(items: readonly Item[]) => readonly Item[];

const policies: Record<ForwardingOptions['policy'], (random: () => number) => Policy> = {
  sequential: () => (items) => items,
  random: (random) => (items) => shuffled(items, random),
  round_robin: () => {
    let turn = 0;
    return (items) => {
      const first = turn++ % Math.max(1, items.length);
      return [...items.slice(first), ...items.slice(0, first)];
    };
  },
};

/** `random` in [0, 1). */
export const createPolicy = (name: ForwardingOptions['policy'], random: () => number): Policy => policies[name](random);

function shuffled<Item>(items: readonly Item[], random: () => number): readonly Item[] {
  if (items.length < 2) return items;
  const out = [...items];
  for (let last = out.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [out[last], out[other]] = [out[other]!, out[last]!];
  }
  return out;
}
