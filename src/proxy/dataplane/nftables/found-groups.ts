import {
  type Endpoint,
  type FoundGroup,
  type FoundGroups,
  type Frontend,
  frontendText,
  type Protocol,
} from '../../plan/mod.ts';
import { protocolName, readAddress } from './elements.ts';
import { SetName } from './layout.ts';

/** The sets read as the plan's ids and slots. What makes no sense there is passed over: `converge` removes it. */
export function foundGroups(elements: ReadonlyMap<string, ReadonlyMap<string, string>>): FoundGroups {
  const slots = new Map<number, Map<number, Endpoint>>();
  for (const [key, data] of elements.get(SetName.endpoints) ?? []) {
    const [id, slot] = numbers(key);
    const bytes = Buffer.from(data, 'latin1');
    const endpoints = slots.get(id) ?? new Map();
    endpoints.set(slot, { address: readAddress(bytes, 0), port: bytes.readUInt16BE(4), local: false });
    slots.set(id, endpoints);
  }
  const groups = new Map<string, { cluster: FoundGroup }>();
  for (const [set, decode] of frontendDecoders) {
    for (const [key, data] of elements.get(set) ?? []) {
      const [, id] = numbers(data);
      const { frontend, protocol } = decode(Buffer.from(key, 'latin1'));
      groups.set(frontendText(frontend, protocol), { cluster: { id, endpoints: upToHole(slots.get(id)) } });
    }
  }
  return groups;
}

const frontendDecoders: [SetName, (key: Buffer) => { frontend: Frontend; protocol: Protocol }][] = [
  [
    SetName.frontends,
    (key) => ({
      frontend: { kind: 'cluster-ip', address: readAddress(key, 0), port: key.readUInt16BE(8) },
      protocol: protocolName(key[4]!) as Protocol,
    }),
  ],
  [
    SetName.nodePorts,
    (key) => ({
      frontend: { kind: 'node-port', port: key.readUInt16BE(4) },
      protocol: protocolName(key[0]!) as Protocol,
    }),
  ],
];

function upToHole(slots: ReadonlyMap<number, Endpoint> = new Map()): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (let next = slots.get(0); next !== undefined; next = slots.get(endpoints.length)) endpoints.push(next);
  return endpoints;
}

function numbers(bytes: string): [number, number] {
  const buffer = Buffer.from(bytes, 'latin1');
  return [buffer.readUInt32LE(0), buffer.readUInt32LE(4)];
}
