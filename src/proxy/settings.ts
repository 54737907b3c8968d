import { isIPv4 } from 'node:net';
import { UsageError } from '../base/errors.ts';
import type { Ipv4Range } from './dataplane/nftables/mod.ts';

/** What an operator can choose; names as in kube-proxy's flags and configuration file. */
export interface ProxySettings {
  /** Range of all Pods' addresses (`10.244.0.0/16`): VIP connections from outside of it are masqueraded. Absent: none are. */
  readonly clusterCidr?: string;
  /** Range of VIPs (`10.96.0.0/16`): packets to one that no Service has are dropped here. Absent: they are routed on. */
  readonly serviceCidr?: string;
  /** Bit of the packet mark, 0 to 31, that means "masquerade"; default 14, as in kube-proxy. */
  readonly masqueradeBit?: number;
  /** How often to look for changes that others have made to our rules; default 30 s. */
  readonly syncPeriodMs?: number;
}

/** `1.2.3.0/24` as bytes. Throws UsageError that names the field. */
export function parseIpv4Range(field: string, text: string): Ipv4Range {
  const [address = '', length = ''] = text.split('/');
  const bits = /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN;
  if (!isIPv4(address) || !(bits <= 32) || text.split('/').length !== 2) {
    throw new UsageError(`Read ${field}`, `${text} is not an IPv4 range`, `Write it as 10.244.0.0/16`);
  }
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { address: hex((number & mask) >>> 0), mask: hex(mask) };
}

/** The mark with only that bit. Throws UsageError. */
export function parseMasqueradeBit(bit: number): number {
  if (Number.isInteger(bit) && bit >= 0 && bit <= 31) return 2 ** bit;
  throw new UsageError('Read masqueradeBit', `${bit} is not a bit of the packet mark`, 'Choose a number from 0 to 31');
}

const hex = (number: number): string => number.toString(16).padStart(8, '0');
