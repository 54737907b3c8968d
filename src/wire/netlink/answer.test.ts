import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAnswer } from './answer.ts';
import { MessageFlag, MessageType } from './constants.ts';
import { errnoName, errnoNumber } from './errno.ts';
import { encodeMessage } from './message.ts';
import { AttributeWriter } from './writer.ts';

interface ErrorMessage {
  errno: number;
  sequence?: number;
  flags?: number;
  /** The refused request as far as the kernel repeats it. */
  request?: Buffer;
  attributes?: (writer: AttributeWriter) => void;
}

const requestHeader = Buffer.from('10000000100001000100000000000000', 'hex');

function errorMessage({ errno, sequence = 1, flags = 0, request = requestHeader, attributes }: ErrorMessage): Buffer {
  const writer = new AttributeWriter();
  writer.appendU32(-errno);
  writer.appendBytes(request);
  attributes?.(writer);
  return encodeMessage({ type: MessageType.error, flags, sequence, portId: 9, payload: writer.written() });
}

test('An error number of 0 is an acknowledgement', () => {
  const answer = decodeAnswer([errorMessage({ errno: 0, sequence: 5, flags: MessageFlag.capped })]);
  assert.deepEqual(answer, { messages: [], errors: [], acknowledged: [5], finished: [], interrupted: false });
});

test('A capped error bears the kernel’s message and the offset', () => {
  const { errors } = decodeAnswer([
    errorMessage({
      errno: 22,
      sequence: 3,
      flags: MessageFlag.capped | MessageFlag.acknowledgeAttributes,
      attributes(writer) {
        writer.putString(1, 'Device is already up');
        writer.putU32(2, 36);
      },
    }),
  ]);
  assert.deepEqual(errors, [{ sequence: 3, errno: 22, code: 'EINVAL', message: 'Device is already up', offset: 36 }]);
});

test('Behind a request that is repeated whole, the attributes are found too', () => {
  const request = Buffer.concat([Buffer.from('15000000', 'hex'), requestHeader.subarray(4), Buffer.alloc(8, 1)]);
  const { errors } = decodeAnswer([
    errorMessage({
      errno: 17,
      flags: MessageFlag.acknowledgeAttributes,
      request,
      attributes: (writer) => writer.putString(1, 'exists'),
    }),
  ]);
  assert.deepEqual(errors, [{ sequence: 1, errno: 17, code: 'EEXIST', message: 'exists' }]);
});

test('A dump is its messages and NLMSG_DONE, spread over datagrams', () => {
  const part = (payload: string) =>
    encodeMessage({ type: 16, flags: MessageFlag.multi, sequence: 2, portId: 9, payload: Buffer.from(payload) });
  const done = (error: number) => {
    const payload = Buffer.alloc(4);
    payload.writeInt32LE(error);
    return encodeMessage({ type: MessageType.done, flags: MessageFlag.multi, sequence: 2, portId: 9, payload });
  };
  const answer = decodeAnswer([Buffer.concat([part('a'), part('b')]), Buffer.concat([part('c'), done(0)])]);
  assert.deepEqual(
    answer.messages.map(({ payload }) => payload.toString()),
    ['a', 'b', 'c'],
  );
  assert.deepEqual([answer.finished, answer.errors, answer.interrupted], [[2], [], false]);
  assert.deepEqual(decodeAnswer([done(-95)]).errors, [{ sequence: 2, errno: 95, code: 'EOPNOTSUPP' }]);
});

test('An interrupted dump says so', () => {
  const flags = MessageFlag.multi | MessageFlag.dumpInterrupted;
  const message = { type: MessageType.done, flags, sequence: 2, portId: 9, payload: Buffer.alloc(4) };
  assert.equal(decodeAnswer([encodeMessage(message)]).interrupted, true);
});

const malformed = [
  { name: 'an error without its number', payload: '0000', flags: 0, state: 'error number cut off after 2 bytes' },
  {
    name: 'an explained error without its request',
    payload: 'eaffffff 10000000',
    flags: MessageFlag.acknowledgeAttributes,
    state: 'refused request cut off after 4 bytes',
  },
];

for (const { name, payload, flags, state } of malformed) {
  test(`Malformed answer: ${name}`, () => {
    const bytes = Buffer.from(payload.replaceAll(' ', ''), 'hex');
    const message = encodeMessage({ type: MessageType.error, flags, sequence: 1, portId: 9, payload: bytes });
    assert.throws(() => decodeAnswer([message]), { message: `Decode netlink answer: ${state}` });
  });
}

test('Random datagrams are decoded or refused as malformed, never anything else', () => {
  const anyDatagram = fc
    .record({
      type: fc.integer({ min: 0, max: 20 }),
      flags: fc.integer({ min: 0, max: 0x3ff }),
      payload: fc.uint8Array({ maxLength: 60 }),
    })
    .map(({ type, flags, payload }) =>
      encodeMessage({ type, flags, sequence: 1, portId: 1, payload: Buffer.from(payload) }),
    );
  fc.assert(
    fc.property(fc.array(anyDatagram, { maxLength: 3 }), (datagrams) => {
      try {
        decodeAnswer(datagrams);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'malformed');
      }
    }),
    { numRuns: 500 },
  );
});

test('Error numbers and names lead to each other', () => {
  assert.equal(errnoName(105), 'ENOBUFS');
  assert.equal(errnoNumber('ENOBUFS'), 105);
  assert.equal(errnoName(11), 'EAGAIN');
  assert.equal(errnoName(95), 'EOPNOTSUPP');
  assert.equal(errnoName(524), 'ENOTSUPP');
  assert.equal(errnoName(9999), 'errno 9999');
  assert.equal(errnoNumber('ENONSENSE'), undefined);
});
