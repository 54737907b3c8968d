/** metav1.Time on the wire: RFC 3339 in UTC, whole seconds (`2026-01-01T00:00:00Z`). */
export const formatTime = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`;

/** metav1.MicroTime on the wire, six decimals (`2026-01-01T00:00:00.000000Z`): Lease times, Event.eventTime. */
export const formatMicroTime = (epochMs: number): string => {
  const micros = Math.floor(epochMs * 1000);
  const fraction = ((micros % 1_000_000) + 1_000_000) % 1_000_000;
  return `${new Date((micros - fraction) / 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(6, '0')}Z`;
};

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Milliseconds since the epoch, or undefined when the text is not RFC 3339. */
export function parseTime(text: string): number | undefined {
  const match = rfc3339.exec(text);
  if (!match || Number(match[3]) > daysIn(Number(match[1]), Number(match[2]))) return undefined;
  const epochMs = Date.parse(text.toUpperCase());
  return Number.isNaN(epochMs) ? undefined : epochMs;
}

const daysIn = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();
