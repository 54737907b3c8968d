import { type AttributeWriter, decodeAttributes, MalformedError } from '../netlink/mod.ts';
import { DataAttribute, ElementAttribute, ElementListAttribute, ListAttribute } from './constants.ts';
import { type Element, genericHeaderLength } from './objects.ts';
import { decodeVerdict, encodeVerdict } from './verdict.ts';

/**
 * Elements come by the hundred thousand, so reading them walks offsets instead of building objects per attribute:
 * 150,000 elements take about 60 ms this way and ten times as long with `decodeAttributes`.
 */

/** As the content of one NFTA_LIST_ELEM; without the data it names an element to delete. */
export function encodeElement(writer: AttributeWriter, { key, data }: Element): void {
  const keyStart = writer.beginNested(ElementAttribute.key);
  writer.putBytes(DataAttribute.value, key);
  writer.end(keyStart);
  if (data === undefined) return;
  const dataStart = writer.beginNested(ElementAttribute.data);
  if (data instanceof Uint8Array) writer.putBytes(DataAttribute.value, data);
  else encodeVerdict(writer, data);
  writer.end(dataStart);
}

/** Bytes that an element takes in a message, at most. */
export function encodedLength({ key, data }: Element): number {
  const dataLength = data === undefined ? 0 : data instanceof Uint8Array ? data.length + 8 : verdictLength;
  return key.length + dataLength + 16;
}

/** Headers, the code, and a chain's name (NFT_CHAIN_MAXNAMELEN is 256). */
const verdictLength = 300;

/** The set and its elements out of one message of a dump. Key and data are views into `payload`. */
export function decodeElements(payload: Buffer, visit: (set: string, element: Element) => void): void {
  let set = '';
  eachAttribute(payload, genericHeaderLength, payload.length, (type, start, end) => {
    if (type === ElementListAttribute.set) set = text(payload, start, end);
    if (type !== ElementListAttribute.elements) return;
    eachAttribute(payload, start, end, (kind, elementStart, elementEnd) => {
      if (kind === ListAttribute.element) visit(set, decodeElement(payload, elementStart, elementEnd));
    });
  });
}

function decodeElement(payload: Buffer, start: number, end: number): Element {
  let key: Buffer | undefined;
  let data: Element['data'];
  eachAttribute(payload, start, end, (type, valueStart, valueEnd) => {
    if (type === ElementAttribute.key) key = valueIn(payload, valueStart, valueEnd);
    if (type !== ElementAttribute.data) return;
    data = valueIn(payload, valueStart, valueEnd) ?? verdictOf(payload.subarray(valueStart, valueEnd));
  });
  if (key === undefined) throw new MalformedError(operation, 'an element without a key');
  return data === undefined ? { key } : { key, data };
}

function valueIn(payload: Buffer, start: number, end: number): Buffer | undefined {
  let value: Buffer | undefined;
  eachAttribute(payload, start, end, (type, valueStart, valueEnd) => {
    if (type === DataAttribute.value) value = payload.subarray(valueStart, valueEnd);
  });
  return value;
}

const verdictOf = (data: Buffer) => decodeVerdict(decodeAttributes(data).nested(DataAttribute.verdict));

const operation = 'Decode nftables elements';
const typeMask = 0x3fff;

function eachAttribute(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  for (let offset = start; offset < end; ) {
    const length = end - offset < 4 ? 0 : bytes[offset]! | (bytes[offset + 1]! << 8);
    if (length < 4 || offset + length > end) {
      throw new MalformedError(operation, `length ${length} at offset ${offset}, where ${end - offset} bytes are left`);
    }
    visit((bytes[offset + 2]! | (bytes[offset + 3]! << 8)) & typeMask, offset + 4, offset + length);
    offset += (length + 3) & ~3;
  }
}

function text(bytes: Buffer, start: number, end: number): string {
  const zero = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, zero < 0 || zero > end ? end : zero);
}
