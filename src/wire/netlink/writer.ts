import assert from 'node:assert/strict';
import { align4, attributeHeaderLength, attributeLengthLimit, attributeNestedFlag } from './constants.ts';

/** TypedArray.prototype.set costs a call into the runtime, which a loop beats for the few bytes of an address. */
const loopedCopyLimit = 48;

/**
 * Netlink attributes written one after the other into one growing buffer; the lengths of nested ones are patched when
 * they end. `append…` adds bare bytes, `put…` adds a whole attribute with header and padding.
 *
 * Host order is little-endian here: that is what every machine is on which Node.js and this program run.
 */
export class AttributeWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    // Not allocUnsafe: padding is skipped, never written, and must not show the kernel what this process had there.
    this.#bytes = Buffer.alloc(Math.max(capacity, 64));
    this.#view = viewOf(this.#bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What has been written: a view, valid until the next write. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what has been written and keeps the room for it: views of it are overwritten from now on. */
  restart(): void {
    this.#truncate(0);
  }

  appendU8(value: number): void {
    const start = this.#advance(1);
    this.#view.setUint8(start, value);
  }

  appendU16(value: number): void {
    const start = this.#advance(2);
    this.#view.setUint16(start, value, true);
  }

  appendU16Be(value: number): void {
    const start = this.#advance(2);
    this.#view.setUint16(start, value, false);
  }

  appendU32(value: number): void {
    const start = this.#advance(4);
    this.#view.setUint32(start, value, true);
  }

  appendU32Be(value: number): void {
    const start = this.#advance(4);
    this.#view.setUint32(start, value, false);
  }

  appendU64(value: bigint): void {
    const start = this.#advance(8);
    this.#view.setBigUint64(start, value, true);
  }

  appendU64Be(value: bigint): void {
    const start = this.#advance(8);
    this.#view.setBigUint64(start, value, false);
  }

  appendZeros(count: number): void {
    this.#advance(count);
  }

  appendBytes(data: Uint8Array): void {
    const length = data.length;
    const start = this.#advance(length);
    if (length > loopedCopyLimit) this.#bytes.set(data, start);
    else for (let i = 0; i < length; i++) this.#bytes[start + i] = data[i]!;
  }

  /** UTF-8, without a terminating zero. */
  appendText(text: string): void {
    const length = text.length;
    const start = this.#advance(length);
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.#truncate(start);
        this.appendBytes(Buffer.from(text, 'utf8'));
        return;
      }
      this.#bytes[start + i] = unit;
    }
  }

  putU8(type: number, value: number): void {
    this.#header(attributeHeaderLength + 1, type);
    this.appendU8(value);
    this.align();
  }

  putU16(type: number, value: number): void {
    this.#header(attributeHeaderLength + 2, type);
    this.appendU16(value);
    this.align();
  }

  putU16Be(type: number, value: number): void {
    this.#header(attributeHeaderLength + 2, type);
    this.appendU16Be(value);
    this.align();
  }

  putU32(type: number, value: number): void {
    this.#header(attributeHeaderLength + 4, type);
    this.appendU32(value);
  }

  putU32Be(type: number, value: number): void {
    this.#header(attributeHeaderLength + 4, type);
    this.appendU32Be(value);
  }

  putU64(type: number, value: bigint): void {
    this.#header(attributeHeaderLength + 8, type);
    this.appendU64(value);
  }

  putU64Be(type: number, value: bigint): void {
    this.#header(attributeHeaderLength + 8, type);
    this.appendU64Be(value);
  }

  /** An attribute whose presence is its value. */
  putFlag(type: number): void {
    this.#header(attributeHeaderLength, type);
  }

  putBytes(type: number, data: Uint8Array): void {
    this.#header(attributeHeaderLength + data.length, type);
    this.appendBytes(data);
    this.align();
  }

  /** With the terminating zero that the kernel's NLA_STRING and NLA_NUL_STRING policies want. */
  putString(type: number, text: string): void {
    const start = this.begin(type);
    this.appendText(text);
    this.appendU8(0);
    this.end(start);
  }

  /** Starts an attribute of bare bytes; `end` takes the result and patches the length. */
  begin(type: number): number {
    const start = this.#length;
    this.#header(attributeHeaderLength, type);
    return start;
  }

  /** Starts an attribute of attributes; `end` takes the result and patches the length. */
  beginNested(type: number): number {
    return this.begin(type | attributeNestedFlag);
  }

  /** Ends what `begin` or `beginNested` started. An attribute holds 65,531 bytes at most: longer lists are the caller's to split. */
  end(start: number): void {
    const length = this.#length - start;
    assert(length <= attributeLengthLimit, `Attribute of ${length} bytes is longer than nla_len can say`);
    this.#view.setUint16(start, length, true);
    this.align();
  }

  nested(type: number, fill: (writer: AttributeWriter) => void): void {
    const start = this.beginNested(type);
    fill(this);
    this.end(start);
  }

  align(): void {
    this.#advance(align4(this.#length) - this.#length);
  }

  /** Overwrites four bytes that were written before. */
  patchU32(offset: number, value: number): void {
    assert(offset >= 0 && offset + 4 <= this.#length);
    this.#view.setUint32(offset, value, true);
  }

  /** Overwrites two bytes that were written before. */
  patchU16(offset: number, value: number): void {
    assert(offset >= 0 && offset + 2 <= this.#length);
    this.#view.setUint16(offset, value, true);
  }

  #header(length: number, type: number): void {
    assert(length <= attributeLengthLimit, `Attribute of ${length} bytes is longer than nla_len can say`);
    const start = this.#advance(attributeHeaderLength);
    this.#view.setUint32(start, length | (type << 16), true);
  }

  /** Makes room for `count` zero bytes and returns where they start; takes new #bytes and #view where it must grow. */
  #advance(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) this.#grow();
    return start;
  }

  #truncate(length: number): void {
    this.#bytes.fill(0, length, this.#length);
    this.#length = length;
  }

  #grow(): void {
    const larger = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
