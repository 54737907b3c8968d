import { isWithin, keyOf } from '../../wire/dns/mod.ts';

/** Zones as options have them (`example.com`, `.`) made ready to be compared with the keys of questions. */
export const zoneKeys = (zones: readonly string[]): readonly string[] => zones.map(keyOf);

export const isWithinAny = (key: string, zones: readonly string[]): boolean =>
  zones.some((zone) => isWithin(key, zone));
