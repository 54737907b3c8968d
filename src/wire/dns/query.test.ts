import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { recordTypes } from './constants.ts';
import { keyOf } from './name.ts';
import { parseQuery } from './query.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/[\s|]/g, ''), 'hex');

const header = (counts = '0001 0000 0000 0000', flags = '0100') => `1234 ${flags} ${counts}`;
const question = '01 41 00 0001 0001';
const opt = (version = '00', flags = '8000', data = '') =>
  `00 0029 04d0 00${version} ${flags} ${(data.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0')} ${data}`;

test('a query is read field by field', () => {
  const query = parseQuery(hex(`${header()} ${question}`));
  assert.deepEqual(query, {
    id: 0x1234,
    flags: 0x0100,
    opcode: 0,
    rcode: 0,
    questionEnd: 19,
    key: keyOf('a'),
    type: recordTypes.A,
    class: 1,
    edns: undefined,
  });
});

test('EDNS is read wherever it stands among the additional records, unknown options are passed over', () => {
  const one = header('0001 0000 0000 0001');
  const two = header('0001 0000 0000 0002');
  const other = '00 0010 0001 00000000 0002 0161';
  const table: [string, string, object | undefined][] = [
    ['plain', `${one} ${question} ${opt()}`, { version: 0, payloadBytes: 1232, dnssecOk: true }],
    ['with a cookie', `${one} ${question} ${opt('00', '0000', '000a 0002 beef')}`, { dnssecOk: false }],
    ['version 7', `${one} ${question} ${opt('07')}`, { version: 7 }],
    ['a size below 512 counts as 512', `${one} ${question} 00 0029 0010 00000000 0000`, { payloadBytes: 512 }],
    ['behind another record', `${two} ${question} ${other} ${opt()}`, { version: 0 }],
    ['before another record', `${two} ${question} ${opt()} ${other}`, { version: 0 }],
    ['only another record', `${one} ${question} ${other}`, undefined],
  ];
  for (const [title, bytes, wanted] of table) {
    const edns = parseQuery(hex(bytes))?.edns;
    assert.equal(edns === undefined, wanted === undefined, title);
    for (const [field, value] of Object.entries(wanted ?? {})) {
      assert.equal(edns?.[field as 'version'], value, `${title}: ${field}`);
    }
  }
});

test('what cannot be understood is rejected with a code, what must not be answered is dropped', () => {
  const formErr = 1;
  const notImp = 4;
  const table: [string, string, number | undefined][] = [
    ['nothing', '', undefined],
    ['less than a header', '1234 0100 0001 0000 0000 00', undefined],
    ['an answer', `${header(undefined, '8180')} ${question}`, undefined],
    ['a header without its question', header(), formErr],
    ['no question', header('0000 0000 0000 0000'), formErr],
    ['two questions', `${header('0002 0000 0000 0000')} ${question} ${question}`, formErr],
    ['65535 questions', `${header('ffff 0000 0000 0000')} ${question}`, formErr],
    ['opcode IQUERY', `${header(undefined, '0800')} ${question}`, notImp],
    ['opcode NOTIFY', `${header(undefined, '2000')} ${question}`, notImp],
    ['opcode UPDATE', `${header(undefined, '2800')}`, notImp],
    ['opcode 15', `${header(undefined, '7800')}`, notImp],
    ['a name without its end', `${header()} 01 41`, formErr],
    ['a name without type', `${header()} 01 41 00`, formErr],
    ['half a class', `${header()} 01 41 00 0001 00`, formErr],
    ['a label over the end', `${header()} 3f 41 00 0001 0001`, formErr],
    ['a pointer in the question', `${header()} c00c 0001 0001`, formErr],
    ['a label of kind 01', `${header()} 41 41 00 0001 0001`, formErr],
    ['an additional record that is not there', `${header('0001 0000 0000 0001')} ${question}`, formErr],
    ['OPT cut in its fixed part', `${header('0001 0000 0000 0001')} ${question} 00 0029 04d0`, formErr],
    ['OPT longer than the packet', `${header('0001 0000 0000 0001')} ${question} 00 0029 04d0 00000000 0004`, formErr],
    [
      'OPT with half an option',
      `${header('0001 0000 0000 0001')} ${question} ${opt('00', '0000', '000a 00')}`,
      formErr,
    ],
    [
      'OPT with an option too long',
      `${header('0001 0000 0000 0001')} ${question} ${opt('00', '0000', '000a 0009')}`,
      formErr,
    ],
    ['two OPT', `${header('0001 0000 0000 0002')} ${question} ${opt()} ${opt()}`, formErr],
    ['OPT with a name', `${header('0001 0000 0000 0001')} ${question} 0161 ${opt()}`, formErr],
    ['OPT among the answers', `${header('0001 0001 0000 0000')} ${question} ${opt()}`, formErr],
  ];
  for (const [title, bytes, rcode] of table) assert.equal(parseQuery(hex(bytes))?.rcode, rcode, title);
});

test('what dns-packet writes is read the same', () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
  const anyQuery = fc.record({
    name: fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.')),
    type: fc.constantFrom('A', 'AAAA', 'SRV', 'PTR', 'TXT', 'SOA', 'ANY'),
    id: fc.nat(65_535),
    payload: fc.option(fc.integer({ min: 512, max: 65_535 })),
  });
  fc.assert(
    fc.property(anyQuery, ({ name, type, id, payload }) => {
      const opt = {
        type: 'OPT',
        name: '.',
        udpPayloadSize: payload,
        flags: 0,
        options: [],
      } as unknown as dnsPacket.OptAnswer;
      const packet = dnsPacket.encode({
        type: 'query',
        id,
        questions: [{ name, type: type as 'A', class: 'IN' }],
        ...(payload !== null && { additionals: [opt] }),
      });
      const query = parseQuery(packet)!;
      assert.equal(query.rcode, 0);
      assert.equal(query.id, id);
      assert.equal(query.key, keyOf(name));
      assert.equal(query.type, recordTypes[type as 'A']);
      assert.equal(query.edns?.payloadBytes, payload ?? undefined);
    }),
  );
});
