const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** A duration in Go's notation (`1h30m`, `250ms`, `-1.5s`, `0`) as milliseconds; undefined: it is none. */
export function parseDuration(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([-+]?)(.*)$/.exec(text) ?? [];
  if (rest === '0') return 0;
  const parts = [...rest.matchAll(part)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== rest) return undefined;
  const sum = parts.reduce((total, [, number, unit]) => total + Number(number) * unitsMs[unit!]!, 0);
  return sign === '-' ? -sum : sum;
}
