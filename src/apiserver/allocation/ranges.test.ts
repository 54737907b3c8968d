import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAddress, parseServiceCidrs } from './address-range.ts';
import { addressBand, pickFree, portBand, staticCount } from './pool.ts';

test('a range leaves out its first address and, of IPv4, its last', () => {
  const cases: [string, number, string, string][] = [
    ['10.96.0.0/16', 65_534, '10.96.0.1', '10.96.255.254'],
    ['10.96.3.7/30', 2, '10.96.3.5', '10.96.3.6'],
    ['fd00:10:96::/112', 65_535, 'fd00:10:96::1', 'fd00:10:96::ffff'],
    ['fd00::a:0:0:0:0/64', 2 ** 32, 'fd00:0:0:a::1', 'fd00::a:0:1:0:0'],
  ];
  for (const [text, size, first, last] of cases) {
    const [range] = parseServiceCidrs(text);
    assert.deepEqual([range!.size, range!.at(0), range!.at(range!.size - 1)], [size, first, last]);
    assert(range!.contains(first) && range!.contains(last));
  }
  const [wide] = parseServiceCidrs('fd00::/64');
  assert(wide!.contains('fd00::ffff:ffff:ffff:ffff'), 'also what is not offered may be asked for');
  for (const other of ['fd00::', 'fd00:0:0:1::1', '10.0.0.1', 'x', '::ffff:10.0.0.1']) assert(!wide!.contains(other));
});

test('what is no range, or not one of each family, is refused', () => {
  for (const text of ['10.96.0.0', '10.96.0.0/31', '10.0.0.0/8', 'fd00::/63', 'fd00::/127', 'x/16', '10.96.0.0/016x'])
    assert.throws(() => parseServiceCidrs(text), /is not an IPv4 range between \/12 and \/30 or an IPv6 range/, text);
  for (const text of ['10.96.0.0/16,10.97.0.0/16', '10.96.0.0/16,fd00::/112,fd01::/112'])
    assert.throws(() => parseServiceCidrs(text), /is not one range, or one of IPv4 and one of IPv6/);
  const families = (text: string) => parseServiceCidrs(text).map(({ family }) => family);
  assert.deepEqual(families('fd00::/112,10.96.0.0/16'), ['IPv6', 'IPv4']);
});

test('two spellings of an address are one', () => {
  assert.equal(canonicalAddress('FD00:0:0:0::00AB'), 'fd00::ab');
  assert.equal(canonicalAddress('10.0.0.1'), '10.0.0.1');
  for (const text of ['fd00::1%eth0', 'None', '', '10.0.0']) assert.equal(canonicalAddress(text), undefined);
});

test('the bottom of a range is left to those who choose, until nothing else is free', () => {
  // The sizes and results of KEP-3070 and KEP-3668.
  const addresses = [
    [14, 0],
    [62, 16],
    [254, 16],
    [1022, 63],
    [4094, 255],
    [65_534, 256],
  ] as const;
  for (const [size, count] of addresses) assert.equal(staticCount(size, addressBand), count, `${size} addresses`);
  const ports = [
    [16, 0],
    [256, 16],
    [2768, 86],
    [8000, 128],
  ] as const;
  for (const [size, count] of ports) assert.equal(staticCount(size, portBand), count, `${size} ports`);
  const taken = new Set<number>();
  const order: number[] = [];
  for (;;) {
    const found = pickFree(
      64,
      addressBand,
      (n) => n,
      (n) => !taken.has(n),
      () => 0.999,
    );
    if (found === undefined) break;
    taken.add(found);
    order.push(found);
  }
  assert.equal(order.length, 64);
  assert(order.slice(0, 48).every((n) => n >= 16) && order.slice(48).every((n) => n < 16));
});
