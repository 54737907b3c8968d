import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../base/errors.ts';
import { nameText } from '../../wire/dns/mod.ts';
import { parseReverseName, ReverseZones } from './reverse.ts';

const zones = (...cidrs: string[]) => new ReverseZones(cidrs, { clusterDomain: 'cluster.local', ttlSeconds: 5 });

test('reverse names are read as addresses, or as the part of one', () => {
  const table: [string, number[] | undefined, number[]?][] = [
    ['1.0.96.10.in-addr.arpa', [10, 96, 0, 1], [10, 96, 0, 1]],
    ['96.10.in-addr.arpa', [10, 96]],
    ['in-addr.arpa', []],
    ['arpa', undefined],
    ['256.0.96.10.in-addr.arpa', undefined],
    ['01.0.96.10.in-addr.arpa', undefined],
    ['1.1.0.96.10.in-addr.arpa', undefined],
    ['x.10.in-addr.arpa', undefined],
    ['web.default.svc.cluster.local', undefined],
    ['f.e.ip6.arpa', [14, 15]],
    ['g.ip6.arpa', undefined],
  ];
  for (const [name, digits, address] of table) {
    const read = parseReverseName(name.split('.'));
    assert.deepEqual(read?.digits, digits, name);
    assert.deepEqual(read?.address && [...read.address], address, name);
  }
});

test('a range is one zone, or several when its prefix ends within a digit', () => {
  const table: [string, string, string | undefined][] = [
    ['10.96.0.0/16', '1.0.96.10.in-addr.arpa', '96.10.in-addr.arpa'],
    ['10.96.0.0/16', '96.10.in-addr.arpa', '96.10.in-addr.arpa'],
    ['10.96.0.0/16', '10.in-addr.arpa', undefined],
    ['10.96.0.0/16', '1.0.97.10.in-addr.arpa', undefined],
    ['10.96.0.0/12', '1.0.97.10.in-addr.arpa', '97.10.in-addr.arpa'],
    ['10.96.0.0/12', '1.0.112.10.in-addr.arpa', undefined],
    ['10.0.0.0/8', '1.2.3.10.in-addr.arpa', '10.in-addr.arpa'],
    ['10.96.0.7/32', '7.0.96.10.in-addr.arpa', '7.0.96.10.in-addr.arpa'],
    ['fd00:96::/32', `${'0.'.repeat(24)}6.9.0.0.0.0.d.f.ip6.arpa`, '6.9.0.0.0.0.d.f.ip6.arpa'],
    ['fd00:96::/31', `${'0.'.repeat(24)}7.9.0.0.0.0.d.f.ip6.arpa`, '7.9.0.0.0.0.d.f.ip6.arpa'],
    ['fd00:96::/31', `${'0.'.repeat(24)}8.9.0.0.0.0.d.f.ip6.arpa`, undefined],
  ];
  for (const [cidr, name, zone] of table) {
    const apex = zones(cidr).zoneOf(parseReverseName(name.split('.'))!);
    assert.equal(apex && nameText(apex.wireName), zone, `${cidr} ${name}`);
  }
});

test('a range that is none is refused', () => {
  for (const cidr of ['10.96.0.0', 'web', '10.96.0.0/33', '']) assert.throws(() => zones(cidr), UsageError, cidr);
});
