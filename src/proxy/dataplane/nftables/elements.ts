import type { Element } from '../../../wire/nftables/mod.ts';
import type { Endpoint, Frontend, PortPlan, Protocol } from '../../plan/mod.ts';
import { countedSet, SetName } from './layout.ts';
import { protocolNumbers } from './steps.ts';

/**
 * The plan as bytes in the table's sets. A key's parts fill registers of four bytes each: addresses and ports in network
 * order from the left, numbers of our own in the machine's order.
 */
export interface PlacedElement {
  readonly set: SetName;
  readonly element: Element;
}

export const endpointsOf = (port: PortPlan): readonly Endpoint[] =>
  (port.internal.policy === 'Local' ? port.local : port.cluster)?.endpoints ?? [];

/** In the set of those with so many endpoints. */
export function frontendElement(frontend: Frontend, port: PortPlan): PlacedElement {
  const kind = frontend.kind === 'node-port' ? 'node-ports' : 'frontends';
  return { set: countedSet(kind, endpointsOf(port).length), element: { key: frontendKey(frontend, port.name) } };
}

export function endpointElement(frontend: Frontend, port: PortPlan, slot: number, endpoint: Endpoint): PlacedElement {
  const data = Buffer.alloc(8);
  writeAddress(data, endpoint.address, 0);
  data.writeUInt16BE(endpoint.port, 4);
  const { set, element } = endpointKey(frontend, port, slot);
  return { set, element: { ...element, data } };
}

export function endpointKey(frontend: Frontend, { name }: PortPlan, slot: number): PlacedElement {
  const slotBytes = Buffer.allocUnsafe(4);
  slotBytes.writeUInt32LE(slot);
  const set = frontend.kind === 'node-port' ? SetName.nodePortEndpoints : SetName.endpoints;
  return { set, element: { key: Buffer.concat([frontendKey(frontend, name), slotBytes]) } };
}

/** Node ports that have endpoints, whatever their number. */
export function nodePortElement(frontend: Frontend, { name }: PortPlan): PlacedElement {
  return { set: SetName.nodePorts, element: { key: frontendKey(frontend, name) } };
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

/** Everything in the sets that stands for one frontend, but for what it shares with others (see `Shared`). */
export function* elementsOf(frontend: Frontend, port: PortPlan): Generator<PlacedElement> {
  yield frontendElement(frontend, port);
  if (frontend.kind === 'node-port' && endpointsOf(port).length > 0) yield nodePortElement(frontend, port);
  for (const [slot, endpoint] of endpointsOf(port).entries()) yield endpointElement(frontend, port, slot, endpoint);
}

/** An element as a person reads it: `10.96.0.1 . TCP . 443 . slot 0 : 10.244.1.2 . 9376`. */
export function formatElement(set: SetName, { key, data }: Element): string {
  const shown = data instanceof Uint8Array ? ` : ${formatData(data)}` : '';
  return `${formatKey(set, key)}${shown}`;
}

function formatKey(set: SetName, key: Buffer): string {
  switch (set) {
    case SetName.endpoints:
      return `${formatFrontend(key)} . slot ${key.readUInt32LE(12)}`;
    case SetName.nodePortEndpoints:
      return `${formatNodePort(key, 0)} . slot ${key.readUInt32LE(8)}`;
    case SetName.clusterIps:
      return readAddress(key, 0);
    case SetName.hairpins:
      return `${readAddress(key, 0)} . ${readAddress(key, 4)}`;
    default:
      return set.startsWith('frontends') ? formatFrontend(key) : formatNodePort(key, 0);
  }
}

const formatFrontend = (key: Buffer): string => `${readAddress(key, 0)} . ${formatNodePort(key, 4)}`;

const formatNodePort = (key: Buffer, offset: number): string =>
  `${protocolName(key[offset]!)} . ${key.readUInt16BE(offset + 4)}`;

const formatData = (data: Buffer): string => `${readAddress(data, 0)} . ${data.readUInt16BE(4)}`;

export const readAddress = (bytes: Buffer, offset: number): string =>
  `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name as Protocol]));

export const protocolName = (number: number): string => protocolNames.get(number) ?? String(number);

function frontendKey({ kind, address, port }: Frontend, { protocol }: PortPlan['name']): Buffer {
  const start = kind === 'node-port' ? 0 : 4;
  const key = Buffer.alloc(start + 8);
  if (kind !== 'node-port') writeAddress(key, address!, 0);
  key[start] = protocolNumbers[protocol];
  key.writeUInt16BE(port, start + 4);
  return key;
}

/** Dotted decimal; the plan lets no other text through. */
function writeAddress(bytes: Buffer, address: string, offset: number): void {
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
