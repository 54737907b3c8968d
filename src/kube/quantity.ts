import { InputError } from './errors.ts';

/**
 * resource.Quantity as an exact number: `digits × 10^exponent`, so that no sum of millicores or exbibytes is rounded.
 * `suffix` remembers how it was written.
 */
export interface Quantity {
  readonly digits: bigint;
  readonly exponent: number;
  readonly suffix: 'decimal' | 'binary' | 'exponent';
}

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(n|u|m|k|M|G|T|P|E|[KMGTPE]i|[eE][+-]?\d{1,3})?$/;

/** What upstream answers to a text that is no quantity. */
export const quantityProblem =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

export const isQuantity = (value: string | number): boolean => pattern.test(String(value));

/** `100m`, `1.5Gi`, `2e3`, `3`. Throws InputError. */
export function parseQuantity(value: string | number): Quantity {
  const match = pattern.exec(String(value));
  if (!match) throw new InputError('Parse a quantity', 'malformed', quantityProblem);
  const [, sign, number = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = number.split('.');
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const binary = binarySuffixes.indexOf(suffix);
  if (binary >= 0)
    return { digits: digits * 1024n ** BigInt(binary + 1), exponent: -fraction.length, suffix: 'binary' };
  const thousands = decimalSuffixes.indexOf(suffix);
  return thousands >= 0
    ? { digits, exponent: (thousands - 3) * 3 - fraction.length, suffix: 'decimal' }
    : { digits, exponent: Number(suffix.slice(1)) - fraction.length, suffix: 'exponent' };
}

/** Negative, zero or positive, as sort wants it. */
export function compareQuantities(a: string | number | Quantity, b: string | number | Quantity): number {
  const [left, right] = aligned(quantityOf(a), quantityOf(b));
  return left < right ? -1 : left > right ? 1 : 0;
}

/** How many times the divisor goes into it, rounded up to a whole number; a divisor of 0 counts as 1 (downward API). */
export function divideQuantity(dividend: string | number, divisor: string | number): bigint {
  const unit = parseQuantity(divisor);
  const [whole, part] = aligned(parseQuantity(dividend), unit.digits === 0n ? parseQuantity(1) : unit);
  const quotient = whole / part;
  // BigInt division rounds towards zero, which for a negative number is up already.
  return whole % part !== 0n && whole > 0n === part > 0n ? quotient + 1n : quotient;
}

/** Canonical: the largest suffix that leaves no fraction (`1000m` → `1`, `1024Ki` → `1Mi`). */
export function formatQuantity(quantity: string | number | Quantity): string {
  const { digits, exponent, suffix } = quantityOf(quantity);
  if (digits === 0n) return '0';
  const whole = exponent >= 0 ? digits * 10n ** BigInt(exponent) : wholeOf(digits, exponent);
  // Upstream writes what is below 1024, or no whole number, with decimal suffixes even if a binary one was given.
  if (suffix === 'binary' && whole !== undefined && (whole >= 1024n || whole <= -1024n)) return formatBinary(whole);
  return formatDecimal(digits, exponent, suffix === 'exponent');
}

const quantityOf = (value: string | number | Quantity): Quantity =>
  typeof value === 'object' ? value : parseQuantity(value);

function aligned(a: Quantity, b: Quantity): [bigint, bigint] {
  const exponent = Math.min(a.exponent, b.exponent);
  return [a.digits * 10n ** BigInt(a.exponent - exponent), b.digits * 10n ** BigInt(b.exponent - exponent)];
}

function wholeOf(digits: bigint, exponent: number): bigint | undefined {
  const divisor = 10n ** BigInt(-exponent);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

function formatBinary(whole: bigint): string {
  let rest = whole;
  let power = 0;
  while (power < binarySuffixes.length && rest % 1024n === 0n) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${power === 0 ? '' : binarySuffixes[power - 1]}`;
}

function formatDecimal(digits: bigint, exponent: number, scientific: boolean): string {
  let rest = digits;
  let power = exponent;
  while (rest % 10n === 0n) {
    rest /= 10n;
    power++;
  }
  // Nano is the finest that a quantity holds; what is finer is rounded up (away from zero).
  while (power < -9) {
    rest = rest / 10n + (rest % 10n === 0n ? 0n : rest < 0n ? -1n : 1n);
    power++;
  }
  while (power % 3 !== 0 || power > 18) {
    rest *= 10n;
    power--;
  }
  if (scientific) return power === 0 ? `${rest}` : `${rest}e${power}`;
  return `${rest}${decimalSuffixes[power / 3 + 3]}`;
}
