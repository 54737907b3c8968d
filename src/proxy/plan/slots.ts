import { type Endpoint, endpointText } from './model.ts';

/**
 * Gives every wanted endpoint a slot so that as few slots as possible change: who is there keeps its slot, a newcomer
 * takes the slot of one that went, and slots left empty are filled with the last ones. Returns `before` itself when nothing
 * is to change.
 */
export function assignSlots(before: readonly Endpoint[], wanted: readonly Endpoint[]): readonly Endpoint[] {
  if (isSame(before, wanted)) return before;
  const { slots, holes, waiting } = keepSeats(before, wanted);
  let seated = 0;
  for (const hole of holes) {
    if (hole >= slots.length) break;
    slots[hole] ??= waiting[seated++] ?? takeLast(slots, hole);
  }
  while (slots.length > 0 && slots.at(-1) === undefined) slots.pop();
  for (const endpoint of waiting.slice(seated)) slots.push(endpoint);
  return slots as Endpoint[];
}

/**
 * Most endpoints are the very same objects as before and in their places; only the others are worth a look-up, a text or a
 * copy: of ten thousand endpoints one array is made, and what follows is as long as what has changed.
 */
function keepSeats(before: readonly Endpoint[], wanted: readonly Endpoint[]) {
  const slots: (Endpoint | undefined)[] = before.slice();
  const newcomers = new Set<Endpoint>();
  const moved: number[] = [];
  for (let slot = 0; slot < Math.max(before.length, wanted.length); slot++) {
    if (before[slot] === wanted[slot]) continue;
    if (slot < wanted.length) newcomers.add(wanted[slot]!);
    if (slot < before.length) moved.push(slot);
  }
  const holes = moved.filter((slot) => !newcomers.delete(before[slot]!));
  const byText = new Map([...newcomers].map((endpoint) => [endpointText(endpoint), endpoint]));
  for (const hole of holes) {
    const key = endpointText(before[hole]!);
    slots[hole] = byText.get(key);
    byText.delete(key);
  }
  return { slots, holes, waiting: [...byText.values()] };
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
