import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Family } from '../iptables/model.ts';
import { clearCounters, decodeTableInfo, requestTableEntries, requestTableInfo } from './mod.ts';

const headerLength = 40;

/** An answer with entries of these lengths, full of ones, and the second half of each entry's own bytes its counters. */
function answer(family: Family, ...lengths: number[]): Buffer {
  const size = lengths.reduce((sum, length) => sum + length, 0);
  const bytes = requestTableEntries('nat', size).fill(0xff, headerLength);
  let at = headerLength;
  for (const length of lengths) {
    bytes.writeUInt16LE(length, at + (family === 'IPv4' ? 90 : 142));
    at += length;
  }
  return bytes;
}

test('Info: the table by name, and what the kernel says of it', () => {
  const bytes = requestTableInfo('nat');
  assert.equal(bytes.length, 84);
  assert.equal(bytes.toString('latin1', 0, 4), 'nat\0');
  bytes.writeUInt32LE(5, 76);
  bytes.writeUInt32LE(880, 80);
  assert.deepEqual(decodeTableInfo(bytes), { count: 5, size: 880 });
});

test('Entries: the table by name, with the room for all of them', () => {
  const bytes = requestTableEntries('filter', 0x0102);
  assert.equal(bytes.length, headerLength + 0x0102);
  assert.equal(bytes.toString('hex', 0, headerLength), `${'66696c746572'.padEnd(64, '0')}0201000000000000`);
});

for (const [family, length, counters] of [
  ['IPv4', 112, 96],
  ['IPv6', 168, 152],
] as const) {
  test(`${family}: the counters of each entry are cleared, and nothing else`, () => {
    const bytes = answer(family, length, length + 40);
    const expected = Buffer.from(bytes);
    for (const start of [headerLength, headerLength + length])
      expected.fill(0, start + counters, start + counters + 16);
    assert.equal(clearCounters(bytes, family), true);
    assert.equal(bytes.toString('hex'), expected.toString('hex'));
  });

  test(`${family}: entries that do not fit are told`, () => {
    assert.equal(clearCounters(answer(family), family), true);
    assert.equal(clearCounters(answer(family, length - 8), family), false);
    const [short, long, none] = [answer(family, length), answer(family, length), answer(family, length)];
    const next = headerLength + (family === 'IPv4' ? 90 : 142);
    long.writeUInt16LE(length + 8, next);
    none.writeUInt16LE(0, next);
    assert.equal(clearCounters(short.subarray(0, -1), family), false);
    assert.equal(clearCounters(long, family), false);
    assert.equal(clearCounters(none, family), false);
  });
}
