import { InputError } from './errors.ts';

/** `3`, or `25%` of `total` rounded up or down. Throws InputError when a text is no percentage. */
export function resolveIntOrPercent(value: number | string, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const match = /^(\d+)%$/.exec(value);
  if (!match) {
    throw new InputError(
      'Resolve a number or percentage',
      'malformed',
      `invalid value for IntOrString: invalid type: string is not a percentage`,
    );
  }
  const share = (Number(match[1]) * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}
