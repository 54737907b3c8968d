import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessages, encodeMessage, MessageBatch } from '../netlink/mod.ts';
import {
  decodeLink,
  encodeChangeLink,
  encodeCreateLink,
  encodeDeleteLink,
  encodeDumpLinks,
  encodeGetLink,
} from './links.ts';

/** Compares type, flags and payload, in hexadecimal with spaces for the eye. */
function assertMessage(encode: (batch: MessageBatch) => void, type: number, flags: number, payload: string): void {
  const batch = new MessageBatch();
  encode(batch);
  const [message, ...more] = decodeMessages(batch.finish());
  assert.equal(more.length, 0);
  assert.deepEqual([message?.type, message?.flags], [type, flags]);
  assert.equal(message?.payload.toString('hex'), payload.replaceAll(/\s/g, ''));
}

const [REQUEST, CREATE_EXCLUSIVE, DUMP] = [0x1, 0x601, 0x301];
const emptyHeader = '00000000 00000000 00000000 00000000';

test('Create a bridge', () => {
  assertMessage(
    (batch) => encodeCreateLink(batch, { name: 'br', kind: 'bridge', address: '02:00:00:00:00:0a' }),
    16,
    CREATE_EXCLUSIVE,
    `${emptyHeader} 0700 0300 62720000  0a00 0100 02000000000a 0000
     1000 1280  0b00 0100 62726964676500 00`,
  );
});

test('Create a veth pair, the peer in the namespace of a descriptor', () => {
  assertMessage(
    (batch) =>
      encodeCreateLink(batch, { name: 'a', kind: 'veth', mtu: 1400, peer: { name: 'b', mtu: 1400, netns: { fd: 9 } } }),
    16,
    CREATE_EXCLUSIVE,
    `${emptyHeader} 0600 0300 61000000  0800 0400 78050000
     4000 1280  0900 0100 7665746800 000000
       3000 0280  2c00 0180 ${emptyHeader}  0600 0300 62000000  0800 0400 78050000  0800 1c00 09000000`,
  );
});

const changes = [
  {
    name: 'up, by name',
    link: { name: 'a' },
    change: { up: true },
    payload: '00000000 00000000 01000000 01000000  0600 0300 61000000',
  },
  {
    name: 'down, by index',
    link: { index: 5 },
    change: { up: false },
    payload: '00000000 05000000 00000000 01000000',
  },
  {
    name: 'a new name',
    link: { index: 5 },
    change: { name: 'b' },
    payload: '00000000 05000000 00000000 00000000  0600 0300 62000000',
  },
  {
    name: 'out of its bridge',
    link: { index: 5 },
    change: { master: 0 },
    payload: '00000000 05000000 00000000 00000000  0800 0a00 00000000',
  },
  {
    name: 'to the namespace of a process',
    link: { index: 5 },
    change: { netns: { pid: 258 } },
    payload: '00000000 05000000 00000000 00000000  0800 1300 02010000',
  },
  {
    name: 'an isolated bridge port',
    link: { index: 5 },
    change: { bridgePort: { isolated: true, hairpin: false } },
    payload: `00000000 05000000 00000000 00000000
      2400 1280  0b00 0400 62726964676500 00  1400 0580  0500 0400 00000000  0500 2100 01000000`,
  },
];

for (const { name, link, change, payload } of changes) {
  test(`Change a link: ${name}`, () =>
    assertMessage((batch) => encodeChangeLink(batch, link, change), 16, REQUEST, payload));
}

test('Delete, get and dump', () => {
  const byName = `${emptyHeader} 0600 0300 61000000`;
  assertMessage((batch) => encodeDeleteLink(batch, { name: 'a' }), 17, REQUEST, byName);
  assertMessage((batch) => encodeGetLink(batch, { name: 'a' }), 18, REQUEST, `${byName} 0800 1d00 08000000`);
  assertMessage(encodeDumpLinks, 18, DUMP, `${emptyHeader} 0800 1d00 08000000`);
});

const shown = (payload: string) => {
  const bytes = Buffer.from(payload.replaceAll(/\s/g, ''), 'hex');
  return decodeMessages(encodeMessage({ type: 16, flags: 0, sequence: 1, portId: 1, payload: bytes }))[0]!;
};

test('A veth in a bridge, as Linux 6.18 shows it', () => {
  // Captured; attributes that are not read are left out but for two.
  const link = decodeLink(
    shown(`00000100 04000000 03100000 00000000  0900 0300 706f643100000000  0800 0d00 e8030000  0500 1000 03000000
      0800 0400 dc050000  0800 0a00 02000000  0a00 0100 7a8ee5b013e10000  0800 0500 03000000  0800 2500 00000000
      3800 1200  0900 0100 7665746800000000  0b00 0400 62726964676500 00
        1c00 0500  0500 0100 00000000  0500 0400 00000000  0500 2100 01 000000`),
  );
  assert.deepEqual(link, {
    index: 4,
    name: 'pod1',
    kind: 'veth',
    up: true,
    running: false,
    mtu: 1500,
    address: '7a:8e:e5:b0:13:e1',
    master: 2,
    link: 3,
    linkNetnsId: 0,
    bridgePort: { hairpin: false, isolated: true },
  });
});

test('A link that shows nothing but its name', () => {
  assert.deepEqual(decodeLink(shown(`00000403 01000000 49000100 00000000  0700 0300 6c6f0000`)), {
    index: 1,
    name: 'lo',
    kind: undefined,
    up: true,
    running: true,
    mtu: 0,
    address: undefined,
    master: undefined,
    link: undefined,
    linkNetnsId: undefined,
    bridgePort: undefined,
  });
});

const malformed = [
  { name: 'a header cut off', payload: '00000403 01000000', message: 'Decode a link: 8 bytes instead of 16 and more' },
  {
    name: 'an mtu of two bytes',
    payload: `${emptyHeader} 0600 0400 dc050000`,
    message: 'Decode netlink attributes: attribute 4 has 2 bytes instead of 4',
  },
];

for (const { name, payload, message } of malformed) {
  test(`Malformed link: ${name}`, () =>
    assert.throws(() => decodeLink(shown(payload)), { code: 'malformed', message }));
}
