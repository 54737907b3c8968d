import type { Element } from '../../../wire/nftables/mod.ts';
import { canonicalAddress, type Endpoint, type Frontend, type PortPlan, type Protocol } from '../../plan/mod.ts';
import { type FamilyFacts, families, writeAddress } from './family.ts';
import { endpointsMap, keyKindOf, type Pool } from './pools.ts';
import type { SetName } from './sets.ts';
import { protocolNumbers } from './steps.ts';

/**
 * The plan as bytes in the table's sets. A key's parts fill registers of four bytes each: addresses and ports in network
 * order from the left, numbers of our own in the machine's order.
 */
export interface PlacedElement {
  readonly set: SetName;
  readonly element: Element;
}

/** Address, protocol and port; of a node port, the last two. */
export function frontendKey({ address, port }: Frontend, { name: { protocol } }: PortPlan): Buffer {
  const start = address === undefined ? 0 : addressLength(address);
  const key = Buffer.allocUnsafe(start + 8).fill(0, start);
  if (address !== undefined) writeAddress(key, address, 0);
  key[start] = protocolNumbers[protocol];
  key.writeUInt16BE(port, start + 4);
  return key;
}

export function endpointElement(pool: Pool, frontend: Buffer, row: number, endpoint: Endpoint): PlacedElement {
  const start = addressLength(endpoint.address);
  const data = Buffer.allocUnsafe(start + 4).fill(0, start);
  writeAddress(data, endpoint.address, 0);
  data.writeUInt16BE(endpoint.port, start);
  return { set: endpointsMap(pool), element: { key: endpointKey(frontend, row), data } };
}

export function endpointKey(frontend: Buffer, row: number): Buffer {
  const key = Buffer.allocUnsafe(frontend.length + 4);
  frontend.copy(key);
  key.writeUInt32LE(row, frontend.length);
  return key;
}

/** For `cluster-ips` and `external-ips`; twice for `hairpins`, as an endpoint's packet to itself looks behind the redirection. */
export function addressElement(set: 'cluster-ips' | 'external-ips' | 'hairpins', address: string): PlacedElement {
  const length = addressLength(address);
  const key = Buffer.allocUnsafe(set === 'hairpins' ? length * 2 : length);
  for (let offset = 0; offset < key.length; offset += length) writeAddress(key, address, offset);
  return { set, element: { key } };
}

/** A frontend and who may connect to it. `network` has no bit behind the prefix. */
export function sourceElement(frontend: Buffer, network: Buffer, length: number): PlacedElement {
  return { set: `sources-${length}`, element: { key: Buffer.concat([frontend, network]) } };
}

/** An element as a person reads it: `10.96.0.1 . TCP . 443 . 0 : 10.244.1.2 . 9376`. */
export function formatElement(family: FamilyFacts, set: string, { key, data }: Element): string {
  const shown = data instanceof Uint8Array ? ` : ${formatEndpoint(family, data)}` : '';
  return `${formatKey(family, set, key)}${shown}`;
}

function formatKey(family: FamilyFacts, set: string, key: Buffer): string {
  const { addressLength: length } = family;
  const address = (offset: number) => readAddress(family, key, offset);
  if (set === 'cluster-ips' || set === 'external-ips') return address(0);
  if (set === 'hairpins') return `${address(0)} . ${address(length)}`;
  const isNodePort = set.includes('node-port');
  const start = isNodePort ? 0 : length;
  const frontend = `${isNodePort ? '' : `${address(0)} . `}${protocolAt(key, start)} . ${key.readUInt16BE(start + 4)}`;
  if (key.length === start + 8) return frontend;
  return `${frontend} . ${set.endsWith('endpoints') ? key.readUInt32LE(start + 8) : address(start + 8)}`;
}

const formatEndpoint = (family: FamilyFacts, data: Buffer): string =>
  `${readAddress(family, data, 0)} . ${data.readUInt16BE(family.addressLength)}`;

/** The frontend that a key begins with. */
export function decodeFrontend(
  family: FamilyFacts,
  pool: Pool,
  key: Buffer,
): { frontend: Pick<Frontend, 'address' | 'port'>; protocol: Protocol } {
  const start = keyKindOf(pool) === 'node-port' ? 0 : family.addressLength;
  const port = key.readUInt16BE(start + 4);
  return {
    frontend: start === 0 ? { port } : { address: readAddress(family, key, 0), port },
    protocol: protocolAt(key, start) as Protocol,
  };
}

/** Whether it is on this node is not written anywhere. */
export const decodeEndpoint = (family: FamilyFacts, data: Buffer): Endpoint => ({
  address: readAddress(family, data, 0),
  port: data.readUInt16BE(family.addressLength),
  local: false,
});

function readAddress({ name }: FamilyFacts, bytes: Buffer, offset: number): string {
  if (name === 'IPv4') return bytes.subarray(offset, offset + 4).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(offset + i * 2).toString(16));
  return canonicalAddress(groups.join(':'), 'IPv6')!;
}

const addressLength = (address: string): number =>
  (address.includes(':') ? families.IPv6 : families.IPv4).addressLength;

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name]));
const protocolAt = (key: Buffer, offset: number): string => protocolNames.get(key[offset]!) ?? String(key[offset]);
