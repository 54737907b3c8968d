import { UsageError } from '../base/errors.ts';
import type { LocalDetector, NodePortScope, TrafficSettings } from './dataplane/port.ts';
import { type Family, isInRange, parseRange } from './plan/mod.ts';
import type { NodeView } from './track/mod.ts';

/** What an operator can choose; names as in kube-proxy's flags and configuration file. */
export interface ProxySettings {
  /** Ranges of all Pods' addresses, one a family (`10.244.0.0/16,fd00:10:244::/56`). */
  readonly clusterCidr?: string;
  /** How to tell Pods from others; default `ClusterCIDR`. */
  readonly detectLocalMode?: 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix';
  /** For mode BridgeInterface: the bridge that all Pods of the node are connected to. */
  readonly bridgeInterface?: string;
  /** For mode InterfaceNamePrefix: how the names of all Pods' interfaces begin. */
  readonly interfaceNamePrefix?: string;
  /** Ranges of cluster IPs, one a family: packets to one that no Service has are dropped here. Absent: they are routed on. */
  readonly serviceCidr?: string;
  /** Bit of the packet mark, 0 to 31, that means "masquerade"; default 14, as in kube-proxy. */
  readonly masqueradeBit?: number;
  readonly masqueradeAll?: boolean;
  /** Choose masqueraded ports at random; default true, as in kube-proxy wherever the kernel can. */
  readonly randomFully?: boolean;
  /**
   * Ranges of local addresses on which node ports answer, or words that stand for some: `primary` (the Node's own),
   * `localhost`, `all`. Absent: all local addresses.
   */
  readonly nodePortAddresses?: readonly string[];
  /** Node ports answer on loopback addresses too, where the dataplane can do it; default true. */
  readonly localhostNodePorts?: boolean;
  /** Leave packets alone that conntrack calls INVALID (`--conntrack-tcp-be-liberal`). */
  readonly conntrackTcpBeLiberal?: boolean;
  /** How often to look for changes that others have made to our rules; default 30 s. */
  readonly syncPeriodMs?: number;
}

/** Settings that have been read: what they mean for a family on a node, as far as the node is known. */
export type ReadSettings = (node: NodeView, family: Family) => TrafficSettings;

/** Throws UsageError that names the field. */
export function readSettings(settings: ProxySettings): ReadSettings {
  const masqueradeMark = parseMasqueradeBit(settings.masqueradeBit ?? 14);
  const serviceRanges = parseRanges('serviceCidr', settings.serviceCidr?.split(',') ?? []);
  const localDetector = readLocalDetector(settings);
  const nodePorts = readNodePorts(settings);
  return (node, family) => ({
    family,
    masqueradeMark,
    masqueradeAll: settings.masqueradeAll ?? false,
    randomFully: settings.randomFully ?? true,
    dropInvalid: !settings.conntrackTcpBeLiberal,
    serviceRanges: serviceRanges[family],
    localDetector: localDetector(node, family),
    nodePorts: nodePorts(node, family),
  });
}

const undetected: LocalDetector = { kind: 'none' };

function readLocalDetector(settings: ProxySettings): (node: NodeView, family: Family) => LocalDetector {
  const { detectLocalMode = 'ClusterCIDR', bridgeInterface, interfaceNamePrefix } = settings;
  switch (detectLocalMode) {
    case 'ClusterCIDR': {
      const ranges = parseRanges('clusterCidr', settings.clusterCidr?.split(',') ?? []);
      return (_, family) => sourceRange(ranges[family][0]);
    }
    case 'NodeCIDR':
      return ({ podRanges }, family) => sourceRange(podRanges[family]);
    case 'BridgeInterface': {
      const detector: LocalDetector = { kind: 'bridge', interface: needed('bridgeInterface', bridgeInterface) };
      return () => detector;
    }
    case 'InterfaceNamePrefix': {
      const detector: LocalDetector = {
        kind: 'interface-prefix',
        prefix: needed('interfaceNamePrefix', interfaceNamePrefix),
      };
      return () => detector;
    }
  }
}

const sourceRange = (range: string | undefined): LocalDetector =>
  range === undefined ? undetected : { kind: 'source-range', range };

/** IFNAMSIZ counts a zero at the end. */
const longestInterfaceName = 15;

function needed(field: string, name: string | undefined): string {
  if (name === undefined || name === '') throw new UsageError(`Read ${field}`, 'it is empty', 'Name the interface');
  if (name.length <= longestInterfaceName) return name;
  throw new UsageError(`Read ${field}`, `${name} is longer than the name of an interface can be (15 characters)`);
}

function readNodePorts(settings: ProxySettings): (node: NodeView, family: Family) => NodePortScope {
  const { nodePortAddresses = [], localhostNodePorts = true } = settings;
  const hasPrimary = nodePortAddresses.includes('primary');
  const others = nodePortAddresses.filter((text) => text !== 'primary').flatMap((text) => keywordRanges[text] ?? text);
  const ranges = parseRanges('nodePortAddresses', others);
  return ({ addresses }, family) => {
    const own = [...(hasPrimary ? hostRanges(addresses[family]) : []), ...ranges[family]];
    // As kube-proxy reads it: a family that the list says nothing about is not restricted.
    const isOpen = (own.length === 0 && !hasPrimary) || own.some((range) => range.endsWith('/0'));
    const localhost = localhostNodePorts && family === 'IPv4' && (isOpen || own.some(hasLoopback));
    return isOpen ? { localhost } : { ranges: own, localhost };
  };
}

const keywordRanges: Readonly<Record<string, readonly string[]>> = {
  localhost: ['127.0.0.0/8', '::1/128'],
  all: ['0.0.0.0/0', '::/0'],
};

/** As upstream has them since 1.37; before, `primary` stood alone. */
export const isNodePortKeyword = (text: string): boolean => text === 'primary' || Object.hasOwn(keywordRanges, text);

const hostRanges = (address: string | undefined): string[] =>
  address === undefined ? [] : [`${address}/${address.includes(':') ? 128 : 32}`];

const hasLoopback = (range: string): boolean => range.startsWith('127.') || isInRange('127.0.0.1', range);

function parseRanges(field: string, texts: readonly string[]): Record<Family, string[]> {
  const ranges: Record<Family, string[]> = { IPv4: [], IPv6: [] };
  for (const text of texts) {
    const parsed = parseRange(text.trim());
    if (parsed === undefined) {
      throw new UsageError(`Read ${field}`, `${text} is not a range of addresses`, 'Write it as 10.244.0.0/16');
    }
    ranges[parsed.family].push(parsed.range);
  }
  return ranges;
}

/** The mark with only that bit. Throws UsageError. */
function parseMasqueradeBit(bit: number): number {
  if (Number.isInteger(bit) && bit >= 0 && bit <= 31) return 2 ** bit;
  throw new UsageError('Read masqueradeBit', `${bit} is not a bit of the packet mark`, 'Choose a number from 0 to 31');
}
