import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessages } from '../netlink/mod.ts';
import { NftBatch } from './batch.ts';
import { Family, NftMessage } from './constants.ts';
import { decodeElements } from './elements.ts';
import type { Element } from './objects.ts';

const batchOn = (options = {}) => new NftBatch({ family: Family.ipv4, table: 't', firstSequence: 7, ...options });
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** Header words as on the wire: length, type and flags, sequence, port; then nfgenmsg and attributes. */
const begin = '14000000 1000 0100 07000000 00000000  00 00 000a';

test('A batch is its changes between two brackets, and the last change asks for the ACK', () => {
  const batch = batchOn();
  batch.addTable({ name: 't' });
  assert.deepEqual(
    batch.finish(),
    hex(`
      ${begin}
      1c000000 000a 0504 08000000 00000000  02 00 0000  0600 0100 7400 0000
      14000000 1100 0100 09000000 00000000  00 00 000a
    `),
  );
  assert.equal(batch.messages, 3);
  assert.equal(batch.acknowledgedSequence, 8);
  assert.equal(batch.nextSequence, 10);
});

test('A batch may be bound to the generation of the rule set that it was made for', () => {
  const batch = batchOn({ generation: 0x01020304 });
  batch.deleteTable();
  const first = batch.finish().subarray(0, 28);
  assert.deepEqual(first, hex('1c000000 1000 0100 07000000 00000000  00 00 000a  0800 0100 01020304'));
});

test('Elements: key and data when they are added, the key alone when they are deleted', () => {
  const batch = batchOn();
  const element = { key: hex('0a600001'), data: hex('02000000') };
  batch.deleteElements('m', [element]);
  batch.addElements('m', [element]);
  const list = (flags: string, type: string, sequence: string, length: string, elements: string) => `
    ${length} ${type} ${flags} ${sequence} 00000000  02 00 0000
    0600 0100 7400 0000  0600 0200 6d00 0000  ${elements}`;
  assert.deepEqual(
    batch.finish().subarray(20, -20),
    hex(`
      ${list('0100', '0e0a', '08000000', '38000000', '1400 0380  1000 0180  0c00 0180  0800 0100 0a600001')}
      ${list('0504', '0c0a', '09000000', '44000000', '2000 0380  1c00 0180  0c00 0180  0800 0100 0a600001  0c00 0280  0800 0100 02000000')}
    `),
  );
});

test('A long list is split where an attribute’s 16-bit length ends it, and loses nobody', () => {
  const batch = batchOn();
  const elements: Element[] = Array.from({ length: 5000 }, (_, i) => ({ key: hex(i.toString(16).padStart(24, '0')) }));
  batch.addElements('s', elements);
  const messages = decodeMessages(batch.finish()).filter(({ type }) => type === NftMessage.newSetElement);
  assert.ok(messages.length > 1);
  const keys: string[] = [];
  for (const { payload } of messages) {
    assert.ok(payload.length < 0xffff);
    decodeElements(payload, (set, { key }) => keys.push(`${set} ${key.toString('hex')}`));
  }
  assert.deepEqual(
    keys,
    elements.map(({ key }) => `s ${key.toString('hex')}`),
  );
});

test('A sequence number leads back to the object that it was about', () => {
  const batch = batchOn();
  batch.addChain({ name: 'c' });
  batch.addElements('m', [{ key: hex('01') }, { key: hex('02') }]);
  batch.deleteElements('m', [{ key: hex('03') }], ({ key }) => `number ${key[0]}`);
  assert.deepEqual(
    [7, 8, 9, 10, 11].map((sequence) => batch.objectOf(sequence)),
    [undefined, 'chain c', 'element 01 and 1 more of m', 'element number 3 of m', undefined],
  );
});

test('A batch without a change is empty', () => {
  const batch = batchOn();
  batch.addElements('m', []);
  batch.deleteElements('m', []);
  assert.equal(batch.isEmpty, true);
});
