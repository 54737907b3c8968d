import ipaddr from 'ipaddr.js';
import { headerBytes, recordClasses, recordTypes } from './constants.ts';
import { MalformedMessageError } from './errors.ts';
import { expandName, skipName } from './name.ts';
import { uint16 } from './query.ts';

/** One resource record; `name` is a wire name and `data` holds no compressed name. */
export interface ResourceRecord {
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

const inRecord = (name: Uint8Array, type: number, ttlSeconds: number, data: Uint8Array): ResourceRecord => ({
  name,
  type,
  class: recordClasses.IN,
  ttlSeconds,
  data,
});

/** A or AAAA, as the address is IPv4 or IPv6. */
export function addressRecord(name: Uint8Array, address: Uint8Array, ttlSeconds: number): ResourceRecord {
  return inRecord(name, address.length === 4 ? recordTypes.A : recordTypes.AAAA, ttlSeconds, address);
}

export interface ServiceTarget {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: Uint8Array;
}

/** RFC 2782. */
export function srvRecord(name: Uint8Array, to: ServiceTarget, ttlSeconds: number): ResourceRecord {
  const data = Buffer.allocUnsafe(6 + to.target.length);
  data.writeUInt16BE(to.priority, 0);
  data.writeUInt16BE(to.weight, 2);
  data.writeUInt16BE(to.port, 4);
  data.set(to.target, 6);
  return inRecord(name, recordTypes.SRV, ttlSeconds, data);
}

export const ptrRecord = (name: Uint8Array, target: Uint8Array, ttlSeconds: number): ResourceRecord =>
  inRecord(name, recordTypes.PTR, ttlSeconds, target);
export const cnameRecord = (name: Uint8Array, target: Uint8Array, ttlSeconds: number): ResourceRecord =>
  inRecord(name, recordTypes.CNAME, ttlSeconds, target);
export const nsRecord = (name: Uint8Array, target: Uint8Array, ttlSeconds: number): ResourceRecord =>
  inRecord(name, recordTypes.NS, ttlSeconds, target);

/** One character-string of at most 255 bytes (RFC 1035 section 3.3.14). */
export const txtRecord = (name: Uint8Array, text: string, ttlSeconds: number): ResourceRecord =>
  inRecord(name, recordTypes.TXT, ttlSeconds, characterStrings(text));

/** What RFC 8482 section 4.2 has a server answer to ANY. */
export const anyRefusal = (name: Uint8Array, ttlSeconds: number): ResourceRecord =>
  inRecord(name, recordTypes.HINFO, ttlSeconds, characterStrings('RFC8482', ''));

export interface StartOfAuthority {
  readonly primary: Uint8Array;
  readonly mailbox: Uint8Array;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** How long a negative answer may be kept (RFC 2308 section 4). */
  readonly negativeTtlSeconds: number;
}

export function soaRecord(name: Uint8Array, soa: StartOfAuthority, ttlSeconds: number): ResourceRecord {
  const { primary, mailbox } = soa;
  const data = Buffer.allocUnsafe(primary.length + mailbox.length + 20);
  data.set(primary, 0);
  data.set(mailbox, primary.length);
  const { serial, refreshSeconds, retrySeconds, expireSeconds, negativeTtlSeconds } = soa;
  [serial, refreshSeconds, retrySeconds, expireSeconds, negativeTtlSeconds].forEach((value, index) => {
    data.writeUInt32BE(value >>> 0, primary.length + mailbox.length + 4 * index);
  });
  return inRecord(name, recordTypes.SOA, ttlSeconds, data);
}

const characterStrings = (...texts: string[]): Uint8Array =>
  Buffer.concat(
    texts.map((text) => {
      const bytes = Buffer.from(text, 'utf8').subarray(0, 255);
      return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
    }),
  );

/** Four or sixteen bytes; undefined when the text is not an address. */
export function encodeAddress(text: string): Uint8Array | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return Uint8Array.from(text.split('.'), Number);
  return ipaddr.IPv6.isValid(text) ? Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()) : undefined;
}

/** A record's place in a message: nothing of it is copied. */
export interface RecordPlace {
  readonly start: number;
  readonly type: number;
  readonly dataStart: number;
  readonly end: number;
}

export interface MessageMap {
  readonly questionEnd: number;
  readonly answers: readonly RecordPlace[];
  readonly authorities: readonly RecordPlace[];
  readonly additionals: readonly RecordPlace[];
}

/** Finds the records of a message with one question. Throws MalformedMessageError. */
export function mapMessage(message: Uint8Array): MessageMap {
  const questionNameEnd = skipName(message, headerBytes);
  const questionEnd = questionNameEnd + 4;
  if (message.length < headerBytes || questionNameEnd < 0 || questionEnd > message.length) {
    throw new MalformedMessageError('Decode DNS message', 'the question runs over the end', headerBytes);
  }
  let at = questionEnd;
  const section = (count: number): RecordPlace[] => {
    const places: RecordPlace[] = [];
    for (let record = 0; record < count; record++) {
      const place = recordAt(message, at);
      places.push(place);
      at = place.end;
    }
    return places;
  };
  const answers = section(uint16(message, 6));
  const authorities = section(uint16(message, 8));
  return { questionEnd, answers, authorities, additionals: section(uint16(message, 10)) };
}

function recordAt(message: Uint8Array, start: number): RecordPlace {
  const nameEnd = skipName(message, start);
  const end = nameEnd < 0 || nameEnd + 10 > message.length ? Infinity : nameEnd + 10 + uint16(message, nameEnd + 8);
  if (end > message.length) {
    throw new MalformedMessageError('Decode DNS message', 'a record runs over the end', start);
  }
  return { start, type: uint16(message, nameEnd), dataStart: nameEnd + 10, end };
}

/** A record taken out of its message, names in it expanded where RFC 1035 lets them be compressed. */
export function readRecord(message: Uint8Array, place: RecordPlace): ResourceRecord {
  const fixed = place.dataStart - 10;
  const high = uint16(message, fixed + 4);
  return {
    name: expandName(message, place.start),
    type: place.type,
    class: uint16(message, fixed + 2),
    ttlSeconds: high * 65_536 + uint16(message, fixed + 6),
    data: readData(message, place),
  };
}

function readData(message: Uint8Array, { type, dataStart, end }: RecordPlace): Uint8Array {
  switch (type) {
    case recordTypes.NS:
    case recordTypes.CNAME:
    case recordTypes.PTR:
      return expandName(message, dataStart);
    case recordTypes.MX:
      return Buffer.concat([message.subarray(dataStart, dataStart + 2), expandName(message, dataStart + 2)]);
    case recordTypes.SRV:
      return Buffer.concat([message.subarray(dataStart, dataStart + 6), expandName(message, dataStart + 6)]);
    case recordTypes.SOA: {
      const primaryEnd = skipName(message, dataStart);
      const tail = message.subarray(Math.max(dataStart, end - 20), end);
      return Buffer.concat([expandName(message, dataStart), expandName(message, primaryEnd), tail]);
    }
    default:
      return message.slice(dataStart, end);
  }
}
