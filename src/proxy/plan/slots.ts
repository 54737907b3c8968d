import { type Endpoint, endpointText } from './model.ts';

/**
 * Gives every wanted endpoint a slot so that as few slots as possible change: who is there keeps its slot, a newcomer
 * takes the slot of one that went, and slots left empty are filled with the last ones. Returns `before` itself when nothing
 * is to change.
 */
export function assignSlots(before: readonly Endpoint[], wanted: readonly Endpoint[]): readonly Endpoint[] {
  if (isSame(before, wanted)) return before;
  const newcomers = new Map(wanted.map((endpoint) => [endpointText(endpoint), endpoint]));
  const slots: (Endpoint | undefined)[] = before.map((old) => {
    const key = endpointText(old);
    const same = newcomers.get(key);
    newcomers.delete(key);
    return same;
  });
  const waiting = [...newcomers.values()];
  let seated = 0;
  for (let slot = 0; slot < slots.length; slot++) {
    slots[slot] ??= waiting[seated++] ?? takeLast(slots, slot);
  }
  while (slots.length > 0 && slots.at(-1) === undefined) slots.pop();
  return [...(slots as Endpoint[]), ...waiting.slice(seated)];
}

/** The last endpoint behind `slot`, which leaves its own slot; undefined when there is none. */
function takeLast(slots: (Endpoint | undefined)[], slot: number): Endpoint | undefined {
  while (slots.length > slot + 1) {
    const last = slots.pop();
    if (last !== undefined) return last;
  }
  return undefined;
}

const isSame = (a: readonly Endpoint[], b: readonly Endpoint[]): boolean =>
  a.length === b.length && a.every((one, i) => isSameEndpoint(one, b[i]!));

const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.address === b.address && a.port === b.port && a.local === b.local;
