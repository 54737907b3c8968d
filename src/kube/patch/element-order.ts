import { isRecord } from '../prune.ts';

/** What tells an item of a list from the others: its merge key's value, or the item itself in a list of scalars. */
export type Identity = string;

export const identityOfValue = (value: unknown): Identity => JSON.stringify(value) ?? '';

/** `key` is the merge key; undefined for a list of scalars. */
export const identityOfItem = (item: unknown, key: string | undefined): Identity =>
  identityOfValue(key !== undefined && isRecord(item) ? item[key] : item);

/**
 * Orders a merged list: items that `order` names stand in that order; the others, which only the server knows, keep
 * theirs, each before the first ordered item that it preceded in `before` (strategicpatch's normalizeElementOrder).
 */
export function arrange(
  merged: readonly unknown[],
  order: readonly Identity[],
  before: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const wanted = places(order);
  const former = places(before.map((item) => identityOfItem(item, key)));
  const placed = merged.map((item): Placed => {
    const identity = identityOfItem(item, key);
    return { item, wanted: wanted.get(identity), former: former.get(identity) };
  });
  const ordered = placed.filter((each) => each.wanted !== undefined).sort((a, b) => a.wanted! - b.wanted!);
  const others = placed.filter((each) => each.wanted === undefined).sort((a, b) => (a.former ?? -1) - (b.former ?? -1));
  return interleave(others, ordered);
}

interface Placed {
  readonly item: unknown;
  readonly wanted: number | undefined;
  readonly former: number | undefined;
}

/** The first place of each identity. */
function places(identities: readonly Identity[]): Map<Identity, number> {
  const found = new Map<Identity, number>();
  for (const [place, identity] of identities.entries()) if (!found.has(identity)) found.set(identity, place);
  return found;
}

function interleave(others: readonly Placed[], ordered: readonly Placed[]): unknown[] {
  const result: unknown[] = [];
  let next = 0;
  for (const { item, former } of ordered) {
    while (next < others.length && former !== undefined && (others[next]!.former ?? Infinity) < former) {
      result.push(others[next++]!.item);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next).map(({ item }) => item)];
}
