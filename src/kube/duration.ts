const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** The units shown up to (not including) each age: the finer one is left out when it is zero. */
const steps: readonly { untilMs: number; unit: [number, string]; finer?: [number, string] }[] = [
  { untilMs: 2 * minute, unit: [second, 's'] },
  { untilMs: 10 * minute, unit: [minute, 'm'], finer: [second, 's'] },
  { untilMs: 3 * hour, unit: [minute, 'm'] },
  { untilMs: 8 * hour, unit: [hour, 'h'], finer: [minute, 'm'] },
  { untilMs: 2 * day, unit: [hour, 'h'] },
  { untilMs: 8 * day, unit: [day, 'd'], finer: [hour, 'h'] },
  { untilMs: 2 * year, unit: [day, 'd'] },
  { untilMs: 8 * year, unit: [year, 'y'], finer: [day, 'd'] },
  { untilMs: Infinity, unit: [year, 'y'] },
];

/** An age as kubectl prints it, two to three digits long: `45s`, `3m5s`, `4h`, `2d3h`, `1y20d`. */
export function humanDuration(durationMs: number): string {
  // Two machines' clocks may differ by a second or so.
  if (durationMs <= -2 * second) return '<invalid>';
  const elapsedMs = Math.max(0, durationMs);
  const { unit, finer } = steps.find(({ untilMs }) => elapsedMs < untilMs)!;
  const [unitMs, name] = unit;
  const count = Math.floor(elapsedMs / unitMs);
  if (!finer) return `${count}${name}`;
  const [finerMs, finerName] = finer;
  const rest = Math.floor((elapsedMs % unitMs) / finerMs);
  return rest === 0 ? `${count}${name}` : `${count}${name}${rest}${finerName}`;
}
