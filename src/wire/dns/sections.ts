import { headerBytes, recordTypes } from './constants.ts';
import { nameKey } from './name.ts';
import type { ResourceRecord } from './records.ts';

/**
 * Records as they stand in a message, ready to be copied behind a question. Names in them are compressed against the
 * question's name, which always stands at byte 12 and has the same length however the client spells it; so the same
 * bytes serve every client, and the echo of its spelling reaches the records too.
 */
export interface ReadyRecords {
  readonly bytes: Uint8Array;
  /** Where each record ends, counted from the first byte. */
  readonly ends: readonly number[];
}

export const noRecords: ReadyRecords = { bytes: new Uint8Array(0), ends: [] };

/** Answers to one question, for as long as nothing changes. */
export interface ReadyAnswer {
  readonly answers: ReadyRecords;
  readonly additionals: ReadyRecords;
  /** Bytes of each answer when all are of one size and none points into another, so that they may take turns; else 0. */
  readonly turnBytes: number;
  /** Which record comes first in the next answer. */
  turn: number;
}

export function encodeReadyAnswer(
  questionName: Uint8Array,
  answers: readonly ResourceRecord[],
  additionals: readonly ResourceRecord[] = [],
): ReadyAnswer {
  const writer = new SectionWriter(questionName);
  const ready = writer.write(answers);
  return { answers: ready, additionals: writer.write(additionals), turnBytes: turnBytes(answers, ready), turn: 0 };
}

export interface Sections<Records> {
  readonly answers: Records;
  readonly authorities: Records;
  readonly additionals: Records;
}

/**
 * All three sections of one message. Authorities and additional records point at the question and at answers only, so
 * that either section may be left out.
 */
export function encodeSections(
  questionName: Uint8Array,
  { answers, authorities, additionals }: Sections<readonly ResourceRecord[]>,
): ReadyAnswer & { readonly authorities: ReadyRecords } {
  const writer = new SectionWriter(questionName);
  const ready = writer.write(answers);
  writer.stopRemembering();
  return {
    answers: ready,
    authorities: writer.write(authorities),
    additionals: writer.write(additionals),
    turnBytes: turnBytes(answers, ready),
    turn: 0,
  };
}

function turnBytes(answers: readonly ResourceRecord[], ready: ReadyRecords): number {
  const addressesOnly = answers.every(({ type }) => type === recordTypes.A || type === recordTypes.AAAA);
  const size = ready.ends[0] ?? 0;
  const alike = ready.ends.every((end, index) => end === size * (index + 1));
  return addressesOnly && alike && answers.length > 1 ? size : 0;
}

/** In memory of their own: a part of Node.js's shared pool would keep all of its 8 KiB for as long as the answer is ready. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Compresses owner names, and names that fill the data of NS, CNAME and PTR, against all that was written before. */
class SectionWriter {
  /** Name key → its place in the message. */
  readonly #places = new Map<string, number>();
  #offset: number;
  #remembers = true;

  constructor(questionName: Uint8Array) {
    this.#remember(questionName, headerBytes);
    this.#offset = headerBytes + questionName.length + 4;
  }

  /** What is written from now on may be left out, or stand elsewhere. */
  stopRemembering(): void {
    this.#remembers = false;
  }

  write(records: readonly ResourceRecord[]): ReadyRecords {
    const chunks: Uint8Array[] = [];
    const ends: number[] = [];
    let length = 0;
    for (const record of records) {
      const name = this.#name(record.name, this.#offset);
      const data = this.#data(record, this.#offset + name.length + 10);
      const fixed = Buffer.allocUnsafe(10);
      fixed.writeUInt16BE(record.type, 0);
      fixed.writeUInt16BE(record.class, 2);
      fixed.writeUInt32BE(record.ttlSeconds, 4);
      fixed.writeUInt16BE(data.length, 8);
      chunks.push(name, fixed, data);
      length += name.length + 10 + data.length;
      this.#offset += name.length + 10 + data.length;
      ends.push(length);
    }
    return { bytes: joined(chunks, length), ends: ends.slice() };
  }

  #data(record: ResourceRecord, at: number): Uint8Array {
    switch (record.type) {
      case recordTypes.NS:
      case recordTypes.CNAME:
      case recordTypes.PTR:
        return this.#name(record.data, at);
      case recordTypes.SRV:
        // RFC 2782 forbids compressing the target; names after it may point at it all the same.
        this.#remember(record.data.subarray(6), at + 6);
        return record.data;
      default:
        return record.data;
    }
  }

  #name(wire: Uint8Array, at: number): Uint8Array {
    for (let label = 0; wire[label]; label += wire[label]! + 1) {
      const place = this.#places.get(nameKey(wire, label));
      if (place === undefined) continue;
      this.#remember(wire.subarray(0, label), at, wire);
      return Buffer.concat([wire.subarray(0, label), Uint8Array.of(0xc0 | (place >> 8), place & 0xff)]);
    }
    this.#remember(wire, at);
    return wire;
  }

  /** Notes every suffix that begins within `part` of the whole name, while a pointer's 14 bits reach it. */
  #remember(part: Uint8Array, at: number, whole: Uint8Array = part): void {
    if (!this.#remembers) return;
    for (let label = 0; label < part.length && part[label]; label += part[label]! + 1) {
      const key = nameKey(whole, label);
      if (at + label < 0x4000 && !this.#places.has(key)) this.#places.set(key, at + label);
    }
  }
}
