import type { TrafficSettings } from '../port.ts';
import type { LayoutOptions } from './layout.ts';
import type { Ipv4Range } from './steps.ts';

export function layoutOptions({ localDetector, masqueradeMark, serviceRanges }: TrafficSettings): LayoutOptions {
  const [serviceRange] = serviceRanges;
  return {
    masqueradeMark,
    ...(localDetector.kind === 'source-range' && { clusterRange: rangeBytes(localDetector.range) }),
    ...(serviceRange !== undefined && { serviceRange: rangeBytes(serviceRange) }),
  };
}

/** `1.2.3.0/24` as bytes. */
function rangeBytes(text: string): Ipv4Range {
  const [address = '', bits = ''] = text.split('/');
  const mask = bits === '0' ? 0 : (0xffffffff << (32 - Number(bits))) >>> 0;
  return { address: hex(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)), mask: hex(mask) };
}

const hex = (number: number): string => number.toString(16).padStart(8, '0');
