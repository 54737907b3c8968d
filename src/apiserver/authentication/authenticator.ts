import { createHash, timingSafeEqual } from 'node:crypto';
import type { User } from '../../base/exchange.ts';

/** Knows some bearer tokens; undefined for those it does not. */
export type TokenReader = (token: string) => User | undefined;

/** Who a bearer token stands for: the first reader that knows it says so. */
export const firstOf =
  (readers: readonly TokenReader[]): TokenReader =>
  (token) => {
    for (const read of readers) {
      const user = read(token);
      if (user) return user;
    }
    return undefined;
  };

/** Looked up by hash, so that the time it takes tells nothing of how much of a guess was right. */
export function staticTokenReader(users: ReadonlyMap<string, User>): TokenReader {
  const byHash = new Map([...users].map(([token, user]) => [hashOf(token), user]));
  return (token) => byHash.get(hashOf(token));
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');

export function isEqualSecret(given: string, known: string): boolean {
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(known).digest());
}

/** `Bearer TOKEN`; undefined: the header is absent or says something else. */
export const bearerIn = (header: string | undefined): string | undefined =>
  /^bearer +(\S+)\s*$/i.exec(header ?? '')?.[1];
