/**
 * The little of protobuf's wire format that etcd's messages need (https://protobuf.dev/programming-guides/encoding/):
 * varints and length-delimited fields. Numbers are JavaScript's: revisions stay far below 2^53, and the 64-bit ids of
 * clusters and members, which do not, are read as text.
 */
export class Encoder {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  /** Proto3 leaves out what is zero. */
  number(field: number, value: number): this {
    if (value !== 0) this.#tag(field, varintType).#varint(value);
    return this;
  }

  flag(field: number, value: boolean): this {
    return this.number(field, value ? 1 : 0);
  }

  text(field: number, value: string): this {
    const length = Buffer.byteLength(value);
    if (length === 0) return this;
    this.#tag(field, bytesType).#varint(length).#reserve(length);
    this.#bytes.write(value, this.#length);
    this.#length += length;
    return this;
  }

  /** Also when it is empty: an empty message within a oneof says which one it is. */
  message(field: number, write: (encoder: Encoder) => void): this {
    const inner = new Encoder();
    write(inner);
    const bytes = inner.finish();
    this.#tag(field, bytesType).#varint(bytes.length).#reserve(bytes.length);
    this.#length += bytes.copy(this.#bytes, this.#length);
    return this;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #tag(field: number, type: number): this {
    return this.#varint(field * 8 + type);
  }

  #varint(value: number): this {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  #reserve(count: number): this {
    if (this.#length + count <= this.#bytes.length) return this;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    return this;
  }
}

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

/** Bytes that are not the message that they should be. */
export class MalformedMessage extends Error {}

/** Walks the fields of one message: `next`, then the getter that fits; what is not asked for is passed over. */
export class Decoder {
  readonly #bytes: Buffer;
  #position = 0;
  #type = -1;
  /** The value of a varint, or where a length-delimited field begins. */
  #value = 0;
  #end = 0;
  field = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws MalformedMessage */
  next(): boolean {
    if (this.#position >= this.#bytes.length) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#type = tag % 8;
    if (this.field === 0) throw new MalformedMessage('a field has the number 0');
    if (this.#type === varintType) this.#value = this.#varint();
    else if (this.#type === bytesType) this.#skip(this.#varint());
    else if (this.#type === fixed64Type) this.#skip(8);
    else if (this.#type === fixed32Type) this.#skip(4);
    else throw new MalformedMessage(`field ${this.field} has the unknown wire type ${this.#type}`);
    return true;
  }

  number(): number {
    this.#expect(varintType);
    return this.#value;
  }

  flag(): boolean {
    return this.number() !== 0;
  }

  text(): string {
    this.#expect(bytesType);
    return this.#bytes.toString('utf8', this.#value, this.#end);
  }

  message(): Decoder {
    this.#expect(bytesType);
    return new Decoder(this.#bytes.subarray(this.#value, this.#end));
  }

  #expect(type: number): void {
    if (this.#type !== type)
      throw new MalformedMessage(`field ${this.field} has the unexpected wire type ${this.#type}`);
  }

  #skip(length: number): void {
    this.#value = this.#position;
    this.#end = this.#position + length;
    if (this.#end > this.#bytes.length) throw new MalformedMessage(`field ${this.field} is cut off`);
    this.#position = this.#end;
  }

  /** Beyond 2^53 it is no longer exact; nothing that counts here is as large. */
  #varint(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; count++, scale *= 0x80) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw new MalformedMessage('a number is cut off');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage('a number is longer than 64 bits');
  }
}
