import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelError, KernelError } from '../../../kernel/errors.ts';
import type { XtablesSocket } from '../../../kernel/mod.ts';
import { XtablesOption } from '../../../wire/xtables/mod.ts';
import { digestTable } from './table-digest.ts';

const entryLength = 112;
const again = () => new KernelError('Ask x_tables', { code: 'EAGAIN', number: 11 });

/** A table of one entry, whose last byte and counters are told; `answer` may refuse the entries. */
function socket(last: number, packets: number, answer: (attempt: number) => void = () => {}): XtablesSocket {
  let attempts = 0;
  return {
    ask(option, bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (option === XtablesOption.info) {
        buffer.writeUInt32LE(entryLength, 80);
        return;
      }
      answer(++attempts);
      const entry = buffer.subarray(40);
      entry.writeUInt16LE(entryLength, 90);
      entry.writeUInt32LE(packets, 96);
      entry[83] = last;
    },
    close() {},
  };
}

const digest = (one: XtablesSocket) => digestTable(one, 'IPv4', 'nat');

test('The same rules have the same digest, whatever has passed them', () => {
  assert.equal(digest(socket(1, 10)), digest(socket(1, 99)));
  assert.notEqual(digest(socket(1, 10)), digest(socket(2, 10)));
});

test('A table that changes in between is asked for again, and not for ever', () => {
  const once = socket(1, 0, (attempt) => {
    if (attempt === 1) throw again();
  });
  assert.equal(digest(once), digest(socket(1, 0)));
  let asked = 0;
  const always = socket(1, 0, () => {
    asked += 1;
    throw again();
  });
  assert.throws(
    () => digest(always),
    (error) => isKernelError(error, 'EAGAIN'),
  );
  assert.equal(asked, 5);
});

test('Another refusal is passed on at once', () => {
  const refused = socket(1, 0, () => {
    throw new KernelError('Ask x_tables', { code: 'EPERM', number: 1 });
  });
  assert.throws(
    () => digest(refused),
    (error) => isKernelError(error, 'EPERM'),
  );
});
