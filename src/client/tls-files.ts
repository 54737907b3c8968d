import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';

/** Who we are to the server and whom we believe to be it; PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Absolute paths of what stands in files of its own. */
export type TlsPaths = TlsMaterial;

/** What a new connection is made with; may change while the program runs. */
export interface TlsSource {
  /** The same object for as long as nothing has changed. */
  get(): TlsMaterial;
  /** There was no connection, or a 401: the next `get` is to look for something newer. */
  refused(): void;
}

/** As often as a token's file: whoever rotates leaves the old certificate days, and the old CA in the new bundle. */
const freshMs = 60_000;

/**
 * Certificates in files that somebody renews (a kubelet, cert-manager). A certificate is taken over together with the key
 * that belongs to it: while only one of the two files has been replaced, and while one cannot be read, the last whole is used on.
 */
export function tlsFiles(first: TlsMaterial, paths: TlsPaths, clock: Clock): TlsSource {
  let current = first;
  let readAtMs = clock.monotonicMs();
  return {
    get() {
      if (clock.monotonicMs() - readAtMs < freshMs) return current;
      readAtMs = clock.monotonicMs();
      const found = read(current, paths);
      if (found && !isSame(found, current)) current = found;
      return current;
    },
    refused() {
      readAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Undefined: not whole. */
function read(current: TlsMaterial, paths: TlsPaths): TlsMaterial | undefined {
  try {
    const texts = Object.entries(paths).map(([name, path]) => [name, readFileSync(path, 'utf8')]);
    const found: TlsMaterial = { ...current, ...Object.fromEntries(texts) };
    return isWhole(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Throws for what is no certificate or no key. */
function isWhole({ ca, cert, key }: TlsMaterial): boolean {
  if (ca !== undefined) new X509Certificate(ca);
  return cert === undefined || key === undefined || new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

const isSame = (a: TlsMaterial, b: TlsMaterial): boolean => a.ca === b.ca && a.cert === b.cert && a.key === b.key;
