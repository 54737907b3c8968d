import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessages, encodeMessage, MessageBatch, type NetlinkMessage } from '../netlink/mod.ts';
import { decodeAddress, encodeAddAddress, encodeDumpAddresses } from './addresses.ts';
import { formatIp } from './ip.ts';
import {
  decodeRoute,
  encodeAddRoute,
  encodeDeleteRoute,
  encodeDumpRoutes,
  encodeReplaceRoute,
  isIpRoute,
  type NewRoute,
} from './routes.ts';

function encoded(encode: (batch: MessageBatch) => void): NetlinkMessage {
  const batch = new MessageBatch();
  encode(batch);
  return decodeMessages(batch.finish())[0]!;
}

const hexOf = ({ payload }: NetlinkMessage) => payload.toString('hex');
const plain = (hex: string) => hex.replaceAll(/\s/g, '');
const shown = (payload: string): NetlinkMessage =>
  decodeMessages(
    encodeMessage({ type: 24, flags: 0, sequence: 1, portId: 1, payload: Buffer.from(plain(payload), 'hex') }),
  )[0]!;

const routes: { name: string; route: NewRoute; payload: string }[] = [
  {
    name: 'to a link',
    route: { destination: '10.244.1.1/32', index: 7 },
    payload: '02200000 fe04fd01 00000000  0800 0100 0af40101  0800 0f00 fe000000  0800 0400 07000000',
  },
  {
    name: 'the default by a gateway that is on the link',
    route: { destination: '0.0.0.0/0', gateway: '10.244.1.1', index: 7, onlink: true },
    payload: `02000000 fe040001 04000000  0800 0100 00000000  0800 0f00 fe000000  0800 0500 0af40101
      0800 0400 07000000`,
  },
  {
    name: 'a blackhole',
    route: { destination: '10.96.0.0/16', type: 'blackhole' },
    payload: '02100000 fe040006 00000000  0800 0100 0a600000  0800 0f00 fe000000',
  },
  {
    name: 'in a table above 255, with priority and source',
    route: { destination: '10.0.0.0/8', index: 7, table: 1000, priority: 5, preferredSource: '10.0.0.1' },
    payload: `02080000 0004fd01 00000000  0800 0100 0a000000  0800 0f00 e8030000  0800 0400 07000000
      0800 0600 05000000  0800 0700 0a000001`,
  },
  {
    name: 'of IPv6',
    route: { destination: 'fd00::/64', index: 7 },
    payload: `0a400000 fe040001 00000000  1400 0100 fd000000000000000000000000000000  0800 0f00 fe000000
      0800 0400 07000000`,
  },
];

for (const { name, route, payload } of routes) {
  test(`Add a route ${name}`, () => {
    const message = encoded((batch) => encodeAddRoute(batch, route));
    assert.deepEqual([message.type, message.flags], [24, 0x601]);
    assert.equal(hexOf(message), plain(payload));
  });
}

test('Replacing differs in its flags, deleting leaves open what was not given', () => {
  const route: NewRoute = { destination: '10.96.0.0/16' };
  const replace = encoded((batch) => encodeReplaceRoute(batch, route));
  assert.deepEqual([replace.type, replace.flags], [24, 0x501]);
  const remove = encoded((batch) => encodeDeleteRoute(batch, route));
  assert.deepEqual([remove.type, remove.flags], [25, 0x1]);
  assert.equal(hexOf(remove), plain('02100000 fe00ff00 00000000  0800 0100 0a600000  0800 0f00 fe000000'));
  const exact = encoded((batch) => encodeDeleteRoute(batch, { ...route, type: 'blackhole', scope: 'global' }));
  assert.equal(hexOf(exact).slice(0, 24), plain('02100000 fe000006 00000000'));
});

test('A dump asks for one table', () => {
  const message = encoded((batch) => encodeDumpRoutes(batch));
  assert.deepEqual([message.type, message.flags], [26, 0x301]);
  assert.equal(hexOf(message), plain('00000000 fe000000 00000000  0800 0f00 fe000000'));
});

test('Routes as Linux 6.18 shows them', () => {
  const onlink = decodeRoute(
    shown('02180000 fe040001 14000000  08000f00 fe000000  08000100 0af40200  08000500 c0000202  08000400 02000000'),
  );
  assert.deepEqual(onlink, {
    destination: '10.244.2.0/24',
    type: 'unicast',
    gateway: '192.0.2.2',
    index: 2,
    scope: 'global',
    onlink: true,
    preferredSource: undefined,
    priority: 0,
    table: 254,
    protocol: 'static',
    multipath: false,
  });
  const kernelMade = decodeRoute(
    shown('02180000 fe02fd01 10000000  08000f00 fe000000  08000100 0af40100  08000700 0af40101  08000400 02000000'),
  );
  assert.partialDeepStrictEqual(kernelMade, { preferredSource: '10.244.1.1', scope: 'link', protocol: 'kernel' });
  const unknown = decodeRoute(shown('0a000000 fe2a0063 00000000'));
  assert.partialDeepStrictEqual(unknown, { destination: '::/0', type: '99', protocol: '42', table: 254 });
});

test('Routes of other families are told apart', () => {
  const families = ['02000000', '0a000000', '1c140000', '80200000', ''].map((payload) => isIpRoute(shown(payload)));
  assert.deepEqual(families, [true, true, false, false, false]);
});

test('Malformed routes and addresses are refused', () => {
  assert.throws(() => decodeRoute(shown('02180000')), { message: 'Decode a route: 4 bytes instead of 12 and more' });
  assert.throws(() => decodeRoute(shown('02180000 fe040001 00000000 0700 0100 0af40200')), {
    message: 'Decode an IP address: 3 bytes instead of 4 or 16',
  });
  assert.throws(() => decodeAddress(shown('02188000')), {
    message: 'Decode an address: 4 bytes instead of 8 and more',
  });
  assert.throws(() => decodeAddress(shown('02188000 02000000')), {
    message: 'Decode an address: the address is missing',
  });
});

test('Addresses: added, dumped, and as Linux 6.18 shows them', () => {
  const add = encoded((batch) => encodeAddAddress(batch, 2, '10.244.1.1/24'));
  assert.deepEqual([add.type, add.flags], [20, 0x601]);
  assert.equal(hexOf(add), plain('02180000 02000000  0800 0200 0af40101  0800 0100 0af40101'));
  const dump = encoded(encodeDumpAddresses);
  assert.deepEqual([dump.type, dump.flags, hexOf(dump)], [22, 0x301, plain('00000000 00000000')]);
  const address = decodeAddress(
    shown(`02188000 02000000  0800 0100 0af40101  0800 0200 0af40101  0900 0300 6362723000000000  0800 0800 80000000`),
  );
  assert.deepEqual(address, { index: 2, address: '10.244.1.1/24', scope: 'global' });
});

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIp);
const anyRoute: fc.Arbitrary<NewRoute> = fc.record(
  {
    destination: fc.tuple(ipv4, fc.nat(32)).map(([address, length]) => `${address}/${length}`),
    type: fc.constantFrom('unicast', 'blackhole', 'unreachable', 'prohibit'),
    gateway: ipv4,
    index: fc.integer({ min: 1, max: 0x7fffffff }),
    scope: fc.constantFrom('global', 'link', 'host'),
    onlink: fc.boolean(),
    preferredSource: ipv4,
    priority: fc.nat(),
    table: fc.integer({ min: 1, max: 0xffffffff }),
  },
  { requiredKeys: ['destination', 'type', 'scope', 'onlink', 'priority', 'table'], noNullPrototype: true },
);

test('What is written of a route is read back', () => {
  fc.assert(
    fc.property(anyRoute, (route) => {
      const read = decodeRoute(encoded((batch) => encodeAddRoute(batch, route)));
      assert.partialDeepStrictEqual(read, route);
      assert.deepEqual([read.gateway, read.index], [route.gateway, route.index]);
    }),
  );
});
