/** Bytes that do not read as what they should be; the message says why. */
export class MalformedError extends Error {}

/** One field of a protobuf message (https://protobuf.dev/programming-guides/encoding/): a number, or bytes. */
export interface WireField {
  readonly number: number;
  readonly value: bigint | Buffer;
}

const varintType = 0;
const bytesType = 2;

/** The fields of a message in the order in which they come. Throws MalformedError. */
export function* readFields(message: Buffer): Generator<WireField> {
  const reader = new Reader(message);
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const number = tag >>> 3;
    const type = tag & 7;
    if (type === varintType) yield { number, value: reader.varint() };
    else if (type === bytesType) yield { number, value: reader.bytes(Number(reader.varint())) };
    // Kubernetes' API has no fixed-size fields outside of what is not taken here.
    else throw new MalformedError(`field ${number} has the unexpected wire type ${type}`);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw new MalformedError('a number is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new MalformedError('a number is longer than 64 bits');
  }

  bytes(length: number): Buffer {
    const end = this.#position + length;
    if (length < 0 || end > this.#bytes.length) throw new MalformedError('a field is cut off');
    const bytes = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return bytes;
  }
}
