import type { Handler, Plugin } from '../../chain/port.ts';
import { isWithinAny, zoneKeys } from '../zones.ts';
import { createKubernetesPlugin, type KubernetesOptions } from './kubernetes.ts';

export interface PlacedKubernetesOptions extends KubernetesOptions {
  /** Reverse names are answered below these only, even where the zone knows more. */
  readonly reverseZones: readonly string[];
  /** Names below these that are not there go to the next handler; undefined: they are not there. */
  readonly fallthrough: readonly string[] | undefined;
}

const arpa = zoneKeys(['in-addr.arpa', 'ip6.arpa']);

/** The cluster's zone with the limits that a Corefile sets. */
export function createPlacedKubernetesPlugin(options: PlacedKubernetesOptions): Plugin {
  const plugin = createKubernetesPlugin({
    ...options,
    isMissingPassedOn: fallthroughTest(options.fallthrough),
  });
  const reverse = zoneKeys(options.reverseZones);
  const answersReverse = reverse.length > 0 && arpa.every((zone) => reverse.includes(zone));
  if (answersReverse) return plugin;
  return (next: Handler) => {
    const head = plugin(next);
    return (question) => {
      const { key } = question.query;
      // A suffix is enough to tell most names from reverse ones.
      if (key.endsWith('\x04arpa\0') && isWithinAny(key, arpa) && !isWithinAny(key, reverse)) return next(question);
      return head(question);
    };
  };
}

function fallthroughTest(zones: readonly string[] | undefined): (key: string) => boolean {
  if (!zones) return () => false;
  if (zones.includes('.')) return () => true;
  const keys = zoneKeys(zones);
  return (key) => isWithinAny(key, keys);
}
