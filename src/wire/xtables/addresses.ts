import { formatIp, parseIp } from '../rtnetlink/mod.ts';

/** Addresses recur: the same few thousand VIPs and endpoints are in most rules. */
const cacheLimit = 100_000;
const cache = new Map<string, Uint8Array>();

/** The bytes of an address; shared, not to be written to. Throws UsageError for what is none. */
export function addressBytes(text: string): Uint8Array {
  let bytes = cache.get(text);
  if (bytes === undefined) {
    bytes = parseIp(text).bytes;
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(text, bytes);
  }
  return bytes;
}

export { formatIp as addressText };
