import { type KeyObject, sign, verify } from 'node:crypto';
import type { SigningKeys, VerifyingKey } from './signing-keys.ts';

/** JSON Web Tokens (RFC 7519) in the compact form, signed with ES256 or RS256. */

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** ECDSA's two numbers side by side, as RFC 7518 wants them; RSA has no say in it. */
const form = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const });

export function signJwt({ signer }: SigningKeys, claims: object): string {
  const text = `${encode({ alg: signer.algorithm, kid: signer.id })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), form(signer.privateKey)).toString('base64url')}`;
}

/** The claims of a token that one of the keys has signed; undefined for any other text. Times are not looked at. */
export function verifyJwt(verifiers: readonly VerifyingKey[], token: string): Record<string, unknown> | undefined {
  const [head, body, signature, ...more] = token.split('.');
  if (!head || !body || !signature || more.length > 0) return undefined;
  const header = decode(head) as { alg?: unknown; kid?: unknown } | undefined;
  // The key says which algorithm is right, never the token alone.
  const candidates = verifiers.filter(
    ({ id, algorithm }) => algorithm === header?.alg && (header?.kid === undefined || header.kid === id),
  );
  const [text, bytes] = [Buffer.from(`${head}.${body}`), Buffer.from(signature, 'base64url')];
  const isSigned = candidates.some(({ publicKey }) => verify('sha256', text, form(publicKey), bytes));
  return isSigned ? decode(body) : undefined;
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
