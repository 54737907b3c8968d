import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAddress, isInRange, parseRange } from './addresses.ts';
import type { Family } from './model.ts';

const addresses: [text: string, family: Family, expected: string | undefined][] = [
  ['10.0.0.1', 'IPv4', '10.0.0.1'],
  ['010.000.0.01', 'IPv4', '10.0.0.1'],
  ['10.0.0.256', 'IPv4', undefined],
  ['10.0.0', 'IPv4', undefined],
  ['', 'IPv4', undefined],
  ['fd00::1', 'IPv4', undefined],
  ['fd00::1', 'IPv6', 'fd00::1'],
  ['FD00:0:0::0001', 'IPv6', 'fd00::1'],
  ['fd00:10:244:1::a', 'IPv6', 'fd00:10:244:1::a'],
  ['fd00:1:2:3:4:5::8', 'IPv6', 'fd00:1:2:3:4:5:0:8'],
  ['fd00:0:0:1::2', 'IPv6', 'fd00:0:0:1::2'],
  ['::1', 'IPv6', '::1'],
  ['fe80::1%eth0', 'IPv6', undefined],
  ['10.0.0.1', 'IPv6', undefined],
  ['fd00::g', 'IPv6', undefined],
];
test('Addresses become canonical text, or are none', () => {
  for (const [text, family, expected] of addresses) {
    const canonical = canonicalAddress(text, family);
    assert.equal(canonical, expected, text);
    if (canonical !== undefined) assert.equal(canonicalAddress(canonical, family), canonical);
  }
});

test('Ranges lose their host bits, or are none', () => {
  const ranges: [text: string, expected: string | undefined][] = [
    ['10.244.7.9/16', '10.244.0.0/16'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['fd00:1:2::3/33', 'fd00:1::/33'],
    ['::/0', '::/0'],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0', undefined],
    ['10.0.0.0/8/8', undefined],
    ['fd00::/129', undefined],
    ['fd00::/', undefined],
    ['x/8', undefined],
  ];
  for (const [text, expected] of ranges) assert.equal(parseRange(text)?.range, expected, text);
});

test('An address is in a range of its own family only', () => {
  assert.equal(isInRange('10.1.2.3', '10.0.0.0/8'), true);
  assert.equal(isInRange('11.1.2.3', '10.0.0.0/8'), false);
  assert.equal(isInRange('fd00::1', 'fd00::/16'), true);
  assert.equal(isInRange('fd00::1', '0.0.0.0/0'), false);
});
