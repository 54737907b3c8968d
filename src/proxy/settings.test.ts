import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../base/errors.ts';
import { parseIpv4Range, parseMasqueradeBit } from './settings.ts';

test('Ranges become an address without host bits and a mask', () => {
  assert.deepEqual(parseIpv4Range('clusterCidr', '10.244.0.0/16'), { address: '0af40000', mask: 'ffff0000' });
  assert.deepEqual(parseIpv4Range('clusterCidr', '10.244.7.9/16'), { address: '0af40000', mask: 'ffff0000' });
  assert.deepEqual(parseIpv4Range('clusterCidr', '192.168.1.1/32'), { address: 'c0a80101', mask: 'ffffffff' });
  assert.deepEqual(parseIpv4Range('clusterCidr', '0.0.0.0/0'), { address: '00000000', mask: '00000000' });
});

test('What is no range is refused with the field’s name', () => {
  for (const text of [
    '',
    '10.244.0.0',
    '10.244.0.0/33',
    '10.244.0/16',
    '10.0.0.0/8/8',
    'fd00::/8',
    '10.0.0.0/-1',
    '10.0.0.0/x',
  ]) {
    assert.throws(
      () => parseIpv4Range('clusterCidr', text),
      (error) => error instanceof UsageError && /^Read clusterCidr: /.test(error.message),
    );
  }
});

test('The masquerade bit is one of the mark’s 32', () => {
  assert.equal(parseMasqueradeBit(14), 0x4000);
  assert.equal(parseMasqueradeBit(31), 0x80000000);
  for (const bit of [-1, 32, 1.5, Number.NaN]) assert.throws(() => parseMasqueradeBit(bit), UsageError);
});
