import type { Impersonation } from '../../base/exchange.ts';

const prefix = 'impersonate-';
const extraPrefix = 'impersonate-extra-';

/**
 * The Impersonate-* headers, from names and values by turns as they came: a header given several times has several values.
 * Undefined: there are none.
 */
export function impersonationIn(rawHeaders: readonly string[]): Impersonation | undefined {
  const all: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (name.startsWith(prefix)) all.push([name, rawHeaders[index + 1]!]);
  }
  if (all.length === 0) return undefined;
  const valuesOf = (wanted: string) => all.filter(([name]) => name === wanted).map(([, value]) => value);
  const uid = valuesOf('impersonate-uid')[0];
  return {
    user: valuesOf('impersonate-user')[0] ?? '',
    groups: valuesOf('impersonate-group'),
    ...(uid !== undefined && { uid }),
    extra: extraOf(all),
  };
}

/** The key is the end of the header's name, percent-encoded, in lower case whatever it was (HTTP/2 knows no other). */
function extraOf(all: readonly [string, string][]): Record<string, string[]> {
  const given = all.filter(([name]) => name.startsWith(extraPrefix));
  const byKey = Map.groupBy(given, ([name]) => decodeOr(name.slice(extraPrefix.length)));
  return Object.fromEntries([...byKey].map(([key, entries]) => [key, entries.map(([, value]) => value)]));
}

function decodeOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
