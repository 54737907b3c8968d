import { type Endpoint, endpointText } from './model.ts';

/**
 * Gives every wanted endpoint a slot so that as few slots as possible change: who is there keeps its slot, a newcomer
 * takes the slot of one that went, and slots left empty are filled with the last ones. Returns `before` itself when nothing
 * is to change.
 */
export function assignSlots(before: readonly Endpoint[], wanted: readonly Endpoint[]): readonly Endpoint[] {
  if (isSame(before, wanted)) return before;
  const { slots, waiting } = keepSeats(before, wanted);
  let seated = 0;
  for (let slot = 0; slot < slots.length; slot++) {
    slots[slot] ??= waiting[seated++] ?? takeLast(slots, slot);
  }
  while (slots.length > 0 && slots.at(-1) === undefined) slots.pop();
  return [...(slots as Endpoint[]), ...waiting.slice(seated)];
}

/** Most endpoints are the very same objects as before and in their places; only the others are worth a look-up or a text. */
function keepSeats(before: readonly Endpoint[], wanted: readonly Endpoint[]) {
  const newcomers = new Set(wanted.filter((endpoint, i) => endpoint !== before[i]));
  const slots: (Endpoint | undefined)[] = before.map((old, i) =>
    old === wanted[i] || newcomers.delete(old) ? old : undefined,
  );
  const byText = new Map([...newcomers].map((endpoint) => [endpointText(endpoint), endpoint]));
  for (let slot = 0; slot < slots.length && byText.size > 0; slot++) {
    if (slots[slot] !== undefined) continue;
    const key = endpointText(before[slot]!);
    slots[slot] = byText.get(key);
    byText.delete(key);
  }
  return { slots, waiting: [...byText.values()] };
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
  a.length === b.length && a.every((one, i) => one === b[i] || isSameEndpoint(one, b[i]!));

const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.address === b.address && a.port === b.port && a.local === b.local;
