import type { ServiceCIDR } from '../../kube/mod.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { type AddressRange, parseServiceCidrs } from './address-range.ts';

/** The ranges of ServiceCIDR objects that are ready and not on their way out. One that cannot be used is passed over. */
export function rangesOfObjects(cache: ResourceCache): () => readonly AddressRange[] {
  const parsed = new Map<string, readonly AddressRange[]>();
  const parse = (cidr: string): readonly AddressRange[] => {
    const known = parsed.get(cidr) ?? parseOrNone(cidr);
    parsed.set(cidr, known);
    return known;
  };
  return () =>
    [...cache.list(cache.prefix)].flatMap(({ object }) => {
      const { metadata, spec, status } = object as ServiceCIDR;
      const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      return isReady && !metadata.deletionTimestamp ? (spec?.cidrs ?? []).flatMap(parse) : [];
    });
}

function parseOrNone(cidr: string): readonly AddressRange[] {
  try {
    return parseServiceCidrs(cidr);
  } catch {
    // Valid for upstream, and larger or smaller than what Services are given addresses of here.
    return [];
  }
}
