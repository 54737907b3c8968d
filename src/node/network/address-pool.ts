import { OperatingError } from '../../base/errors.ts';

/** What is written down: whose each address is, and where the search for the next one begins. */
export interface PoolState {
  readonly byPod: Readonly<Record<string, string>>;
  /** Offset in the range of the address that was given out last. */
  readonly last: number;
}

export const emptyPool: PoolState = { byPod: {}, last: 1 };

export interface Cidr {
  /** The network's own address as an unsigned 32-bit number. */
  readonly base: number;
  readonly prefixLength: number;
}

/** `10.244.1.0/24`; undefined when it is not that, or has bits set behind the prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const [a, b, c, d, prefixLength] = match.slice(1).map(Number) as [number, number, number, number, number];
  if ([a, b, c, d].some((byte) => byte > 255) || prefixLength > 32) return undefined;
  const base = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return base % 2 ** (32 - prefixLength) === 0 ? { base, prefixLength } : undefined;
}

/** Whether they have an address in common: then the shorter prefix holds the other range. */
export function overlap(a: Cidr, b: Cidr): boolean {
  const size = 2 ** (32 - Math.min(a.prefixLength, b.prefixLength));
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');

/** The first address of the range, which the bridge has. */
export const gatewayOf = ({ base }: Cidr): string => formatAddress(base + 1);

/** How many Pods the range has addresses for: all but the network's, the gateway's and the broadcast address. */
export const capacityOf = ({ prefixLength }: Cidr): number => Math.max(0, 2 ** (32 - prefixLength) - 3);

/**
 * The Pod's address, a new one if it has none. Addresses are given out in turn, so that one that was given back rests
 * as long as the range allows: peers may still have it in their connection tables.
 */
export function reserveAddress(cidr: Cidr, state: PoolState, podUid: string): { address: string; state: PoolState } {
  const known = state.byPod[podUid];
  if (known !== undefined) return { address: known, state };
  const taken = new Set(Object.values(state.byPod));
  const capacity = capacityOf(cidr);
  for (let step = 0; step < capacity; step++) {
    const offset = 2 + ((state.last - 1 + step) % capacity);
    const address = formatAddress(cidr.base + offset);
    if (taken.has(address)) continue;
    return { address, state: { byPod: { ...state.byPod, [podUid]: address }, last: offset } };
  }
  const range = `${formatAddress(cidr.base)}/${cidr.prefixLength}`;
  throw new OperatingError('Give a Pod an address', 'exhausted', `all ${capacity} of ${range} are in use`);
}

export function releaseAddress(state: PoolState, podUid: string): PoolState {
  const { [podUid]: _released, ...byPod } = state.byPod;
  return { ...state, byPod };
}
