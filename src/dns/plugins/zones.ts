import { keyOf } from '../../wire/dns/mod.ts';

/** Zones as options have them (`example.com`, `.`) made ready to be compared with the keys of questions. */
export const zoneKeys = (zones: readonly string[]): readonly string[] => zones.map(keyOf);

/** Whether the name is the zone's or below it. The zone must begin where a label begins, not within one. */
export function isWithin(key: string, zone: string): boolean {
  const start = key.length - zone.length;
  if (start < 0 || !key.endsWith(zone)) return false;
  let at = 0;
  while (at < start) at += key.charCodeAt(at) + 1;
  return at === start;
}

export const isWithinAny = (key: string, zones: readonly string[]): boolean =>
  zones.some((zone) => isWithin(key, zone));
