import { isIP, isIPv4, isIPv6 } from 'node:net';
import { type FieldError, invalidError } from './field-error.ts';

export const ipProblem = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

export const validateIp = (text: string, path: string): FieldError[] =>
  isIP(text) === 0 || text.includes('%') ? [invalidError(path, text, ipProblem)] : [];

/** Addresses that lead to nobody in particular: an endpoint or external address must be none of them. */
export function validateNonSpecialIp(text: string, path: string): FieldError[] {
  const special = specialRanges.find(({ matches }) => matches(text.toLowerCase()));
  return special ? [invalidError(path, text, special.detail.replace('%s', text))] : [];
}

const specialRanges: readonly { matches: (ip: string) => boolean; detail: string }[] = [
  { matches: (ip) => ip === '0.0.0.0' || /^[0:]+$/.test(ip), detail: 'may not be unspecified (%s)' },
  {
    matches: (ip) => ip.startsWith('127.') || /^[0:]*:0*1$/.test(ip),
    detail: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  },
  {
    matches: (ip) => ip.startsWith('169.254.') || /^fe[89ab]/.test(ip),
    detail: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  },
  {
    matches: (ip) => ip.startsWith('224.0.0.') || /^ff[0-9a-f]2:/.test(ip),
    detail: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  },
];

/** `10.0.0.0/8`. */
export function validateCidr(text: string, path: string): FieldError[] {
  const match = /^(.+)\/(\d{1,3})$/.exec(text);
  const bits = Number(match?.[2]);
  const isValid = match && ((isIPv4(match[1]!) && bits <= 32) || (isIPv6(match[1]!) && bits <= 128));
  return isValid ? [] : [invalidError(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}
