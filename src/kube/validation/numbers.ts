import { type FieldError, invalidError } from './field-error.ts';

export const inRange = (value: number, low: number, high: number, path: string): FieldError[] =>
  value >= low && value <= high ? [] : [invalidError(path, value, `must be between ${low} and ${high}, inclusive`)];

/** TCP, UDP and SCTP ports. */
export const validatePort = (port: number, path: string): FieldError[] => inRange(port, 1, 65_535, path);

export const notNegative = (value: number | undefined, path: string): FieldError[] =>
  value !== undefined && value < 0 ? [invalidError(path, value, 'must be greater than or equal to 0')] : [];

export const positive = (value: number | undefined, path: string): FieldError[] =>
  value !== undefined && value <= 0 ? [invalidError(path, value, 'must be greater than 0')] : [];

/** RFC 6335, section 5.1: what names a port; every broken rule in upstream's words. */
export function portNameProblems(name: string): string[] {
  const problems: string[] = [];
  if (name.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(name))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(name)) problems.push('must contain at least one letter (a-z)');
  if (name.includes('--')) problems.push('must not contain consecutive hyphens');
  if (/^-|-$/.test(name)) problems.push('must not begin or end with a hyphen');
  return problems;
}

/** A port's number, or the name of a container's port. */
export const validatePortOrName = (port: number | string, path: string): FieldError[] =>
  typeof port === 'number'
    ? validatePort(port, path)
    : portNameProblems(port).map((detail) => invalidError(path, port, detail));
