import type { NotificationFilter } from './port.ts';

/** struct nlmsghdr of linux/netlink.h: where the type (16 bits) and the sender's port (32 bits) stand. */
const typeOffset = 4;
const portOffset = 12;

/** Instructions of classic BPF, linux/bpf_common.h: load, compare, return. Loads take the bytes in network order. */
const Instruction = { loadWord: 0x20, loadHalf: 0x28, jumpIfEqual: 0x15, return: 0x06 } as const;
const wholePacket = 0xffff_ffff;

/** A program for SO_ATTACH_FILTER that lets only the notifications of that type pass which no port of those listed caused. */
export function encodeSocketFilter({ messageType, notFromPorts }: NotificationFilter): Buffer {
  const accept = 3 + notFromPorts.length;
  const drop = accept + 1;
  const instructions = [
    [Instruction.loadHalf, 0, 0, typeOffset],
    [Instruction.jumpIfEqual, 0, drop - 2, swapped16(messageType)],
    [Instruction.loadWord, 0, 0, portOffset],
    ...notFromPorts.map((port, index) => [Instruction.jumpIfEqual, drop - (3 + index) - 1, 0, swapped32(port)]),
    [Instruction.return, 0, 0, wholePacket],
    [Instruction.return, 0, 0, 0],
  ];
  const program = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    program.writeUInt16LE(code!, index * 8);
    program.writeUInt8(ifTrue!, index * 8 + 2);
    program.writeUInt8(ifFalse!, index * 8 + 3);
    program.writeUInt32LE(value!, index * 8 + 4);
  }
  return program;
}

/** Netlink is in the machine's own order, which is little-endian on all that this folder supports. */
const swapped16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8);
const swapped32 = (value: number): number => Buffer.from(Uint32Array.of(value).buffer).readUInt32BE(0);
