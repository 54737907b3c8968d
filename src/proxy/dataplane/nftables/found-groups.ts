import { type Endpoint, type FoundGroup, type FoundGroups, frontendText, type Protocol } from '../../plan/mod.ts';
import { protocolName, readAddress } from './elements.ts';
import { countedSet, SetName } from './layout.ts';

/**
 * The sets read as the plan's slots. What makes no sense there is passed over: `converge` removes it. The table knows no
 * ids, so that any will do.
 */
export function foundGroups(elements: ReadonlyMap<string, ReadonlyMap<string, string>>): FoundGroups {
  const slots = new Map<string, Map<number, Endpoint>>();
  for (const { without, endpoints, decode, length } of frontendSets) {
    for (const key of elements.get(without)?.keys() ?? []) slots.set(decode(Buffer.from(key, 'latin1')), new Map());
    for (const [key, data] of elements.get(endpoints) ?? []) {
      const bytes = Buffer.from(key, 'latin1');
      const name = decode(bytes);
      const known = slots.get(name) ?? new Map<number, Endpoint>();
      slots.set(name, known.set(bytes.readUInt32LE(length), decodeEndpoint(Buffer.from(data, 'latin1'))));
    }
  }
  const groups = new Map<string, { cluster: FoundGroup }>();
  for (const [name, endpoints] of slots) {
    groups.set(name, { cluster: { id: groups.size + 1, endpoints: upToHole(endpoints) } });
  }
  return groups;
}

interface FrontendSets {
  /** Of frontends without endpoints. */
  readonly without: SetName;
  readonly endpoints: SetName;
  /** The frontend at the start of a key, as `frontendText`. */
  readonly decode: (key: Buffer) => string;
  /** Bytes of a frontend; in keys of endpoints the slot follows. */
  readonly length: number;
}

const frontendSets: readonly FrontendSets[] = [
  {
    without: countedSet('frontends', 0),
    endpoints: SetName.endpoints,
    decode: (key) => frontendText({ address: readAddress(key, 0), port: key.readUInt16BE(8) }, protocolAt(key, 4)),
    length: 12,
  },
  {
    without: countedSet('node-ports', 0),
    endpoints: SetName.nodePortEndpoints,
    decode: (key) => frontendText({ port: key.readUInt16BE(4) }, protocolAt(key, 0)),
    length: 8,
  },
];

const protocolAt = (key: Buffer, offset: number) => protocolName(key[offset]!) as Protocol;

const decodeEndpoint = (data: Buffer): Endpoint => ({
  address: readAddress(data, 0),
  port: data.readUInt16BE(4),
  local: false,
});

function upToHole(slots: ReadonlyMap<number, Endpoint>): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (let next = slots.get(0); next !== undefined; next = slots.get(endpoints.length)) endpoints.push(next);
  return endpoints;
}
