import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';

/** A bearer token that may change while the program runs. */
export interface TokenSource {
  /** Undefined: there is none, the request goes without. */
  get(): string | undefined;
  /** The server has refused it (401): the next `get` is to look for a newer one. */
  refused(): void;
}

/** How long a token that was read is used; client-go has the same (rest/token_source.go). */
const freshMs = 60_000;

/**
 * A token in a file that somebody renews: service account tokens live an hour and are replaced by the kubelet long before.
 * While the file cannot be read, the last token that could is used on.
 */
export function tokenFile(path: string, clock: Clock): TokenSource {
  let token: string | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    get() {
      if (clock.monotonicMs() - readAtMs < freshMs) return token;
      readAtMs = clock.monotonicMs();
      try {
        token = readFileSync(path, 'utf8').trim() || token;
      } catch {
        // A Pod's volume is replaced in one step, but its node may be slow: the old token has minutes left.
      }
      return token;
    },
    refused() {
      readAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}
