import type { Element } from '../../../wire/nftables/mod.ts';
import type { Endpoint, Frontend, PortPlan, Protocol } from '../../plan/mod.ts';
import { pickerName, SetName } from './layout.ts';
import { protocolNumbers } from './steps.ts';

/**
 * The plan as bytes in the table's sets. A key's parts fill registers of four bytes each: addresses and ports in network
 * order from the left, numbers of our own in the machine's order.
 */
export interface PlacedElement {
  readonly set: SetName;
  readonly element: Element;
}

export const endpointsOf = (port: PortPlan | undefined): readonly Endpoint[] =>
  (port?.internal.policy === 'Local' ? port.local : port?.cluster)?.endpoints ?? [];
export const idOf = ({ internal, cluster, local }: PortPlan): number =>
  (internal.policy === 'Local' ? local : cluster)!.id;

export function frontendElement(frontend: Frontend, port: PortPlan): PlacedElement {
  const { name } = port;
  const data = pair(endpointsOf(port).length, idOf(port));
  if (frontend.kind === 'node-port') {
    return { set: SetName.nodePorts, element: { key: nodePortKey(name.protocol, frontend.port), data } };
  }
  const key = Buffer.alloc(12);
  writeAddress(key, frontend.address!, 0);
  nodePortKey(name.protocol, frontend.port).copy(key, 4);
  return { set: SetName.frontends, element: { key, data } };
}

export function endpointElement(id: number, slot: number, { address, port }: Endpoint): PlacedElement {
  const data = Buffer.alloc(8);
  writeAddress(data, address, 0);
  data.writeUInt16BE(port, 4);
  return { set: SetName.endpoints, element: { key: pair(id, slot), data } };
}

export function endpointKey(id: number, slot: number): PlacedElement {
  return { set: SetName.endpoints, element: { key: pair(id, slot) } };
}

export function clusterIpElement(address: string): PlacedElement {
  const key = Buffer.alloc(4);
  writeAddress(key, address, 0);
  return { set: SetName.clusterIps, element: { key } };
}

/** An endpoint as its own client, as the packet looks behind the redirection: source and destination are the same. */
export function hairpinElement(address: string): PlacedElement {
  const key = Buffer.alloc(8);
  writeAddress(key, address, 0);
  writeAddress(key, address, 4);
  return { set: SetName.hairpins, element: { key } };
}

export function pickerElement(count: number): PlacedElement {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(count);
  return { set: SetName.pickers, element: { key, data: { kind: 'goto', chain: pickerName(count) } } };
}

/** Everything in the sets that stands for one port, but for what it shares with others (see `Shared`). */
export function* elementsOf(port: PortPlan): Generator<PlacedElement> {
  for (const frontend of port.frontends) yield frontendElement(frontend, port);
  for (const [slot, endpoint] of endpointsOf(port).entries()) yield endpointElement(idOf(port), slot, endpoint);
}

/** An element as a person reads it: `10.96.0.1 . TCP . 443 : 2 endpoints of id 17`. */
export function formatElement(set: SetName, { key, data }: Element): string {
  const shown = data === undefined ? '' : ` : ${formatData(set, data)}`;
  return `${formatKey(set, key)}${shown}`;
}

function formatKey(set: SetName, key: Buffer): string {
  switch (set) {
    case SetName.frontends:
      return `${readAddress(key, 0)} . ${protocolName(key[4]!)} . ${key.readUInt16BE(8)}`;
    case SetName.nodePorts:
      return `${protocolName(key[0]!)} . ${key.readUInt16BE(4)}`;
    case SetName.endpoints:
      return `id ${key.readUInt32LE(0)} . slot ${key.readUInt32LE(4)}`;
    case SetName.pickers:
      return String(key.readUInt32LE(0));
    case SetName.clusterIps:
      return readAddress(key, 0);
    case SetName.hairpins:
      return `${readAddress(key, 0)} . ${readAddress(key, 4)}`;
  }
}

function formatData(set: SetName, data: NonNullable<Element['data']>): string {
  if (!(data instanceof Uint8Array)) return 'chain' in data ? `${data.kind} ${data.chain}` : data.kind;
  if (set === SetName.endpoints) return `${readAddress(data, 0)} . ${data.readUInt16BE(4)}`;
  return `${data.readUInt32LE(0)} endpoints of id ${data.readUInt32LE(4)}`;
}

export const readAddress = (bytes: Buffer, offset: number): string =>
  `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name as Protocol]));

export const protocolName = (number: number): string => protocolNames.get(number) ?? String(number);

function nodePortKey(protocol: Protocol, port: number): Buffer {
  const key = Buffer.alloc(8);
  key[0] = protocolNumbers[protocol];
  key.writeUInt16BE(port, 4);
  return key;
}

function pair(first: number, second: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32LE(first, 0);
  bytes.writeUInt32LE(second, 4);
  return bytes;
}

/** Dotted decimal; the plan lets no other text through. */
export function writeAddress(bytes: Buffer, address: string, offset: number): void {
  let part = 0;
  let position = offset;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === dot) {
      bytes[position++] = part;
      part = 0;
    } else part = part * 10 + code - zero;
  }
  bytes[position] = part;
}

const dot = 0x2e;
const zero = 0x30;
