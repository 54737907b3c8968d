import { zoneKeys } from '../plugins/zones.ts';
import type { Route, Service } from '../server/mod.ts';

/** To the service of the longest zone that a name is in. */
export function routeByZone(services: ReadonlyMap<string, Service>): Route {
  const byKey = new Map([...services].map(([zone, service]) => [zoneKeys([zone])[0]!, service]));
  const root = byKey.get('\0');
  if (root && byKey.size === 1) return () => root;
  return (key) => {
    for (let at = 0; at < key.length - 1; at += key.charCodeAt(at) + 1) {
      const service = byKey.get(at === 0 ? key : key.slice(at));
      if (service) return service;
    }
    return root;
  };
}
