import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageBatch } from './batch.ts';
import { MessageFlag } from './constants.ts';
import { decodeMessages, encodeMessage, type NetlinkMessage } from './message.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('A batch numbers its messages, sets NLM_F_REQUEST and pads', () => {
  const batch = new MessageBatch(7);
  assert.equal(
    batch.message(0x10, MessageFlag.create, (writer) => writer.appendU8(0xaa)),
    7,
  );
  assert.equal(batch.message(0x11, 0), 8);
  assert.equal(
    batch.finish().toString('hex'),
    hex('11000000 1000 0104 07000000 00000000 aa000000   10000000 1100 0100 08000000 00000000').toString('hex'),
  );
  assert.equal(batch.count, 2);
  assert.equal(batch.nextSequence, 9);
});

test('The ACK is asked for in the last message only', () => {
  const batch = new MessageBatch();
  batch.message(1, 0);
  batch.message(2, MessageFlag.create);
  batch.acknowledgeLast();
  const flags = decodeMessages(batch.finish()).map((message) => message.flags);
  assert.deepEqual(flags, [MessageFlag.request, MessageFlag.request | MessageFlag.create | MessageFlag.acknowledge]);
});

test('Sequence numbers wrap at 32 bits', () => {
  const batch = new MessageBatch(0xffffffff);
  assert.equal(batch.message(1, 0), 0xffffffff);
  assert.equal(batch.message(1, 0), 0);
});

test('A batch that starts again writes what a new one would, whatever was there before', () => {
  const write = (batch: MessageBatch) => {
    batch.message(0x10, 0, (writer) => writer.appendU8(0xaa));
    return batch.finish().toString('hex');
  };
  const batch = new MessageBatch(7);
  batch.message(0x11, 0, (writer) => writer.appendBytes(Buffer.alloc(40, 0xff)));
  batch.restart(9);
  assert.equal(batch.count, 0);
  assert.equal(write(batch), write(new MessageBatch(9)));
});

test('A batch that is used in the wrong order asserts', () => {
  const batch = new MessageBatch();
  assert.throws(() => batch.acknowledgeLast(), /no message to acknowledge/);
  assert.throws(() => batch.end(), /no message to end/);
  batch.begin(1);
  assert.throws(() => batch.begin(1), /has not been ended/);
  assert.throws(() => batch.finish(), /has not been ended/);
});

const malformed = [
  { name: 'a header cut off', bytes: '10000000 1000', state: '6 stray bytes at offset 0' },
  {
    name: 'a length below its own header',
    bytes: '0f000000 10000000 00000000 00000000',
    state: 'length 15 at offset 0, where 16 bytes are left',
  },
  {
    name: 'a length past the end',
    bytes: '11000000 10000000 00000000 00000000',
    state: 'length 17 at offset 0, where 16 bytes are left',
  },
  {
    name: 'a length that would be negative as int',
    bytes: 'ffffffff 10000000 00000000 00000000',
    state: 'length 4294967295 at offset 0, where 16 bytes are left',
  },
];

for (const { name, bytes, state } of malformed) {
  test(`Malformed message: ${name}`, () => {
    assert.throws(() => decodeMessages(hex(bytes)), {
      code: 'malformed',
      message: `Decode netlink message: ${state}`,
    });
  });
}

const anyMessage: fc.Arbitrary<NetlinkMessage> = fc.record(
  {
    type: fc.integer({ min: 0, max: 0xffff }),
    flags: fc.integer({ min: 0, max: 0xffff }),
    sequence: fc.integer({ min: 0, max: 0xffffffff }),
    portId: fc.integer({ min: 0, max: 0xffffffff }),
    payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

test('Messages survive encoding and decoding', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 5 }), (messages) => {
      assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))), messages);
    }),
  );
});
