import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSocketFilter } from './socket-filter.ts';

/** What the kernel does with such a program: linux/filter.h, the four instructions that ours are made of. */
function passes(program: Buffer, packet: Buffer): boolean {
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const instruction = program.subarray(at * 8, at * 8 + 8);
    const [code, value] = [instruction.readUInt16LE(0), instruction.readUInt32LE(4)];
    if (code === 0x06) return value !== 0;
    if (code === 0x28) accumulator = packet.readUInt16BE(value);
    else if (code === 0x20) accumulator = packet.readUInt32BE(value);
    else if (code === 0x15) at += instruction.readUInt8(accumulator === value ? 2 : 3);
    else throw new Error(`unexpected instruction ${code}`);
  }
}

function header(type: number, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt32LE(port, 12);
  return bytes;
}

const cases: [string, readonly number[], [type: number, port: number, passes: boolean][]][] = [
  [
    'no port',
    [],
    [
      [0xa0f, 1, true],
      [0xa0c, 1, false],
      [0x0f0a, 1, false],
    ],
  ],
  [
    'one port',
    [4711],
    [
      [0xa0f, 4711, false],
      [0xa0f, 4712, true],
      [0xa0c, 4712, false],
    ],
  ],
  [
    'several ports',
    [1, 0x80000002, 3],
    [
      [0xa0f, 1, false],
      [0xa0f, 0x80000002, false],
      [0xa0f, 3, false],
      [0xa0f, 2, true],
      [0xa0f, 0, true],
    ],
  ],
];

for (const [name, notFromPorts, packets] of cases) {
  test(`A socket filter passes only its message type, and not of its own ports: ${name}`, () => {
    const program = encodeSocketFilter({ messageType: 0xa0f, notFromPorts });
    for (const [type, port, expected] of packets)
      assert.equal(passes(program, header(type, port)), expected, `${type} ${port}`);
  });
}
