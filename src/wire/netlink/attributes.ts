import {
  align4,
  attributeHeaderLength,
  attributeNestedFlag,
  attributeNetworkOrderFlag,
  attributeTypeMask,
} from './constants.ts';
import { MalformedError } from './errors.ts';

export interface Attribute {
  /** Without the two flags that share its 16 bits. */
  readonly type: number;
  /** NLA_F_NESTED; older parts of the kernel nest without saying so. */
  readonly nested: boolean;
  /** NLA_F_NET_BYTEORDER. */
  readonly networkOrder: boolean;
  /** A view into the bytes that were given. */
  readonly data: Buffer;
}

const operation = 'Decode netlink attributes';

/** All attributes in order, duplicates included. Throws MalformedError when a length does not fit. */
export function decodeAttributeList(bytes: Buffer): Attribute[] {
  const attributes: Attribute[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const left = bytes.length - offset;
    if (left < attributeHeaderLength) throw new MalformedError(operation, `${left} stray bytes at offset ${offset}`);
    const length = bytes.readUInt16LE(offset);
    if (length < attributeHeaderLength || length > left) {
      throw new MalformedError(operation, `length ${length} at offset ${offset}, where ${left} bytes are left`);
    }
    const rawType = bytes.readUInt16LE(offset + 2);
    attributes.push({
      type: rawType & attributeTypeMask,
      nested: (rawType & attributeNestedFlag) !== 0,
      networkOrder: (rawType & attributeNetworkOrderFlag) !== 0,
      data: bytes.subarray(offset + attributeHeaderLength, offset + length),
    });
    offset += align4(length);
  }
  return attributes;
}

/** Attributes by type, the last one counting where a type comes twice, as in the kernel's nla_parse. */
export function decodeAttributes(bytes: Buffer): Attributes {
  const byType = new Map<number, Buffer>();
  for (const { type, data } of decodeAttributeList(bytes)) byType.set(type, data);
  return new Attributes(byType);
}

/**
 * Typed access to decoded attributes. Every getter returns undefined for a type that is absent and throws
 * MalformedError when the value has another size than the getter reads.
 */
export class Attributes {
  readonly #byType: ReadonlyMap<number, Buffer>;

  constructor(byType: ReadonlyMap<number, Buffer>) {
    this.#byType = byType;
  }

  types(): number[] {
    return [...this.#byType.keys()];
  }

  has(type: number): boolean {
    return this.#byType.has(type);
  }

  bytes(type: number): Buffer | undefined {
    return this.#byType.get(type);
  }

  u8(type: number): number | undefined {
    return this.#sized(type, 1)?.readUInt8();
  }

  u16(type: number): number | undefined {
    return this.#sized(type, 2)?.readUInt16LE();
  }

  u16Be(type: number): number | undefined {
    return this.#sized(type, 2)?.readUInt16BE();
  }

  u32(type: number): number | undefined {
    return this.#sized(type, 4)?.readUInt32LE();
  }

  u32Be(type: number): number | undefined {
    return this.#sized(type, 4)?.readUInt32BE();
  }

  i32(type: number): number | undefined {
    return this.#sized(type, 4)?.readInt32LE();
  }

  u64(type: number): bigint | undefined {
    return this.#sized(type, 8)?.readBigUInt64LE();
  }

  u64Be(type: number): bigint | undefined {
    return this.#sized(type, 8)?.readBigUInt64BE();
  }

  /** Up to the first zero byte; the kernel sends some strings with it and some without. */
  string(type: number): string | undefined {
    const data = this.#byType.get(type);
    if (data === undefined) return undefined;
    const end = data.indexOf(0);
    return data.toString('utf8', 0, end < 0 ? data.length : end);
  }

  nested(type: number): Attributes | undefined {
    const data = this.#byType.get(type);
    return data && decodeAttributes(data);
  }

  /** The children of a nested attribute in order; none when it is absent. */
  list(type: number): Attribute[] {
    const data = this.#byType.get(type);
    return data === undefined ? [] : decodeAttributeList(data);
  }

  #sized(type: number, size: number): Buffer | undefined {
    const data = this.#byType.get(type);
    if (data !== undefined && data.length !== size) {
      throw new MalformedError(operation, `attribute ${type} has ${data.length} bytes instead of ${size}`);
    }
    return data;
  }
}
