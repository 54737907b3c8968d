import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIp, networkOf, parseIp, parsePrefix } from './ip.ts';

test('Addresses are read strictly', () => {
  assert.deepEqual(parseIp('10.0.0.1'), { family: 2, bytes: Uint8Array.of(10, 0, 0, 1) });
  assert.equal(parseIp('fd00::1').family, 10);
  for (const bad of [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '0x7f.1',
    '1',
    'fe80::1%eth0',
    'fd00::1::',
    ' 10.0.0.1',
  ]) {
    assert.throws(() => parseIp(bad), { name: 'UsageError', message: `Read an IP address: "${bad}" is none` });
  }
});

test('Prefixes are read strictly', () => {
  assert.deepEqual(parsePrefix('10.0.0.0/8'), { family: 2, bytes: Uint8Array.of(10, 0, 0, 0), prefixLength: 8 });
  for (const bad of [
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    'fd00::/129',
  ]) {
    assert.throws(() => parsePrefix(bad), { name: 'UsageError' });
  }
});

const networks = [
  ['10.244.1.7/24', '10.244.1.0/24'],
  ['10.244.1.7/32', '10.244.1.7/32'],
  ['10.244.1.7/0', '0.0.0.0/0'],
  ['10.255.255.255/12', '10.240.0.0/12'],
  ['FD00:0:0:1:FFFF::1/65', 'fd00:0:0:1:8000::/65'],
] as const;

for (const [given, network] of networks) {
  test(`The network of ${given} is ${network}`, () => assert.equal(networkOf(given), network));
}

test('Bytes survive being written as text and read', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(fc.property(bytes, (ip) => assert.deepEqual(parseIp(formatIp(ip)).bytes, new Uint8Array(ip))));
});
