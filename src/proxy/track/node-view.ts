import type { Informer } from '../../client/port.ts';
import type { Node } from '../../kube/mod.ts';
import { canonicalAddress, type Family, type NodeFacts, parseRange } from '../plan/mod.ts';

/** What this node's own Node object says that matters to Services. */
export interface NodeView {
  readonly name: string;
  readonly zone?: string;
  /** Primary addresses. */
  readonly addresses: ByFamily;
  /** Where the node's Pods have their addresses. */
  readonly podRanges: ByFamily;
}
type ByFamily = { readonly [family in Family]?: string };

const zoneLabel = 'topology.kubernetes.io/zone';

export function nodeView(name: string, node?: Node): NodeView {
  const zone = node?.metadata.labels?.[zoneLabel];
  const { podCIDR = '', podCIDRs = [podCIDR] } = node?.spec ?? {};
  return {
    name,
    ...(zone !== undefined && { zone }),
    addresses: addressesOf(node),
    podRanges: byFamily(podCIDRs.map(parseRange).map((one) => one && [one.family, one.range])),
  };
}

export const factsOf = ({ name, zone, addresses }: NodeView, family: Family): NodeFacts => {
  const address = addresses[family];
  return { name, family, ...(zone !== undefined && { zone }), ...(address !== undefined && { address }) };
};

/**
 * Keeps the view current. A Node object that is deleted, as an operator may do for a moment, changes nothing: the machine
 * is still where it was.
 */
export function watchNode(nodes: Informer<Node>, name: string, onView: (view: NodeView) => void): void {
  let last = '';
  nodes.onChange(({ key, after }) => {
    if (key !== name || after === undefined) return;
    const view = nodeView(name, after);
    const text = JSON.stringify(view);
    if (text !== last) onView(view);
    last = text;
  });
}

/** Internal addresses go before external ones, and of each kind the first of a family is the primary one. */
function addressesOf(node: Node | undefined): ByFamily {
  const all = node?.status?.addresses ?? [];
  const ranked = ['InternalIP', 'ExternalIP'].flatMap((wanted) => all.filter(({ type }) => type === wanted));
  return byFamily(
    ranked.map(({ address }) => {
      const family: Family = address.includes(':') ? 'IPv6' : 'IPv4';
      const canonical = canonicalAddress(address, family);
      return canonical === undefined ? undefined : [family, canonical];
    }),
  );
}

/** The first of each family. */
function byFamily(entries: readonly (readonly [Family, string] | undefined)[]): ByFamily {
  const found: { [family in Family]?: string } = {};
  for (const entry of entries) if (entry) found[entry[0]] ??= entry[1];
  return found;
}
