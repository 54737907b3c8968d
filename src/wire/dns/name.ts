import { MalformedMessageError } from './errors.ts';

/**
 * Names in three shapes:
 * - text, as people write them: `web.default.svc.cluster.local` with or without the final dot;
 * - wire: length-prefixed labels, ended by the root's zero byte, never compressed (RFC 1035 section 3.1);
 * - key: the wire bytes in lower case as a string of Latin-1 characters, fit for a Map. Comparing two keys is
 *   comparing two names, whatever bytes their labels hold.
 */
export const maxNameBytes = 255;
const maxLabelBytes = 63;

/** Two top bits set: the other 14 are an offset into the message (RFC 1035 section 4.1.4). */
const pointerBits = 0xc0;

/** Throws MalformedMessageError for an empty label, a label over 63 bytes or a name over 255. */
export function encodeName(text: string): Uint8Array {
  const wire: number[] = [];
  if (text !== '' && text !== '.') {
    for (const label of splitLabels(text)) {
      if (label.length === 0) throw malformedName(text, 'a label is empty', wire.length);
      if (label.length > maxLabelBytes) throw malformedName(text, 'a label is longer than 63 bytes', wire.length);
      wire.push(label.length, ...label);
    }
  }
  wire.push(0);
  if (wire.length > maxNameBytes) throw malformedName(text, 'the name is longer than 255 bytes', maxNameBytes);
  return Uint8Array.from(wire);
}

/** The labels' bytes; `\.` is a dot within a label, `\DDD` a byte by its decimal value (RFC 1035 section 5.1). */
function splitLabels(text: string): number[][] {
  const labels: number[][] = [[]];
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === dot) {
      if (at < bytes.length - 1) labels.push([]);
    } else if (byte === backslash) {
      const decimal = /^\d{3}/.exec(bytes.toString('latin1', at + 1, at + 4))?.[0];
      labels.at(-1)!.push(decimal ? Number(decimal) & 0xff : (bytes[at + 1] ?? backslash));
      at += decimal ? 3 : 1;
    } else {
      labels.at(-1)!.push(byte);
    }
  }
  return labels;
}

const dot = 0x2e;
const backslash = 0x5c;

const malformedName = (text: string, state: string, offset: number) =>
  new MalformedMessageError(`Encode DNS name ${JSON.stringify(text)}`, state, offset);

/** Text of a wire name, without the final dot; `.` for the root. Bytes that are not printable become `\DDD`. */
export function nameText(wire: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 0; wire[at]; at += wire[at]! + 1) {
    let label = '';
    for (const byte of wire.subarray(at + 1, at + 1 + wire[at]!)) label += characterText(byte);
    labels.push(label);
  }
  return labels.length === 0 ? '.' : labels.join('.');
}

function characterText(byte: number): string {
  if (byte === dot || byte === backslash) return `\\${String.fromCharCode(byte)}`;
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
}

const scratch = Buffer.allocUnsafeSlow(maxNameBytes);

/** Only A–Z have another case; length bytes are at most 63 and so never in that range. */
export function nameKey(wire: Uint8Array, start = 0, end = wire.length): string {
  const length = end - start;
  for (let at = 0; at < length; at++) {
    const byte = wire[start + at]!;
    scratch[at] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  }
  return scratch.toString('latin1', 0, length);
}

/** Throws MalformedMessageError like `encodeName`, whose work it spares for names as nearly all are. */
export const keyOf = (text: string): string =>
  (plain.test(text) ? plainKey(text) : undefined) ?? nameKey(encodeName(text));

/** Neither capitals nor escapes nor bytes that are not printable. */
const plain = /^[!-@[\]-~]+$/;

/** Undefined: a label or the name has no length that it may have. */
function plainKey(text: string): string | undefined {
  const end = text.endsWith('.') ? text.length - 1 : text.length;
  let key = '';
  for (let at = 0; at <= end && end > 0; ) {
    const dot = text.indexOf('.', at);
    const labelEnd = dot < 0 ? end : dot;
    const bytes = labelEnd - at;
    if (bytes === 0 || bytes > maxLabelBytes) return undefined;
    key += String.fromCharCode(bytes) + text.slice(at, labelEnd);
    at = labelEnd + 1;
  }
  return key.length < maxNameBytes ? `${key}\0` : undefined;
}

export const wireOf = (key: string): Uint8Array => Buffer.from(key, 'latin1');

/** Whether the name is the zone or below it; both are keys. */
export function isWithin(name: string, zone: string): boolean {
  const above = name.length - zone.length;
  if (above < 0 || !name.endsWith(zone)) return false;
  let at = 0;
  while (at < above) at += name.charCodeAt(at) + 1;
  return at === above;
}

/** The labels of a key, first label first, in lower case. */
export function labelsOf(key: string): string[] {
  const labels: string[] = [];
  for (let at = 0; at < key.length - 1; ) {
    const end = at + 1 + key.charCodeAt(at);
    labels.push(key.slice(at + 1, end));
    at = end;
  }
  return labels;
}

/** The text of a key with its final dot, as rules about names have it: `web.default.svc.cluster.local.` */
export function keyText(key: string): string {
  if (key === '\0') return '.';
  const text = labelsOf(key).join('.');
  return `${unusual.test(text) || key.includes('.') ? nameText(wireOf(key)) : text}.`;
}

/** Characters that `nameText` writes otherwise. */
const unusual = /[^!-[\]-~]/;

/**
 * Where the uncompressed name at `start` ends, its final zero included; -1 when it runs over the message, over 255
 * bytes, or holds a pointer. For questions: nothing stands before them that a pointer could lead to.
 */
export function plainNameEnd(message: Uint8Array, start: number): number {
  const limit = Math.min(message.length, start + maxNameBytes);
  let at = start;
  while (at < limit) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length > maxLabelBytes) return -1;
    at += length + 1;
  }
  return -1;
}

/** Where the possibly compressed name at `start` ends in the message; -1 when it is malformed. Does not follow pointers. */
export function skipName(message: Uint8Array, start: number): number {
  let at = start;
  while (at < message.length) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length >= pointerBits) return at + 2 <= message.length ? at + 2 : -1;
    if (length > maxLabelBytes) return -1;
    at += length + 1;
  }
  return -1;
}

/**
 * The wire form of the possibly compressed name at `start`. A pointer must lead to an earlier byte than the one that
 * led there (RFC 1035: "a prior occurrence"), so that no message can send us round in circles.
 */
export function expandName(message: Uint8Array, start: number): Uint8Array {
  const wire: number[] = [];
  let at = start;
  let barrier = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) throw malformedPointer('it runs over the end', at);
    if (length >= pointerBits) {
      const target = ((length & 0x3f) << 8) | (message[at + 1] ?? 0xff);
      if (target >= barrier) throw malformedPointer('a pointer does not lead back', at);
      barrier = target;
      at = target;
      continue;
    }
    if (length > maxLabelBytes) throw malformedPointer('a label is of an unknown kind', at);
    if (at + 1 + length > message.length) throw malformedPointer('it runs over the end', at);
    if (wire.length + 1 + length > maxNameBytes) throw malformedPointer('it is longer than 255 bytes', at);
    for (let byte = at; byte <= at + length; byte++) wire.push(message[byte]!);
    if (length === 0) return Uint8Array.from(wire);
    at += length + 1;
  }
}

const malformedPointer = (state: string, offset: number) => new MalformedMessageError('Decode DNS name', state, offset);
