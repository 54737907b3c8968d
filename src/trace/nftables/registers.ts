/**
 * The registers of nftables' virtual machine, byte for byte: sixteen of four bytes, numbered from 8 (NFT_REG32_00), of
 * which a longer value fills several. What does not fill its last register is padded with zeros (nft_data_copy).
 */
export class Registers {
  readonly #bytes = Buffer.alloc(16 * 4);

  read(register: number, length: number): Buffer {
    const start = (register - firstRegister) * 4;
    return this.#bytes.subarray(start, start + length);
  }

  write(register: number, value: Uint8Array): void {
    const start = (register - firstRegister) * 4;
    this.#bytes.fill(0, start, start + Math.ceil(value.length / 4) * 4);
    this.#bytes.set(value, start);
  }

  /** A number in the machine's byte order, as the kernel keeps marks, states and interface numbers. */
  writeU32(register: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    this.write(register, bytes);
  }

  readU32(register: number): number {
    return this.read(register, 4).readUInt32LE();
  }
}

const firstRegister = 8;
