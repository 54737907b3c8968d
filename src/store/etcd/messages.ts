import { Decoder, Encoder } from './protobuf.ts';

/**
 * The messages of etcd's API that the store uses, with the field numbers of etcd's api/etcdserverpb/rpc.proto and
 * api/mvccpb/kv.proto. Keys and values are text.
 */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface RangeRequest {
  readonly key: string;
  /** The first key that is not meant any more; absent: `key` alone. */
  readonly rangeEnd?: string;
  readonly limit?: number;
  readonly revision?: number;
}

export interface RangeResponse {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

/** What must hold of a key. */
export type Compare =
  /** 0: there is no such key. */
  { readonly key: string; readonly modRevision: number };

export type TxnOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string }
  | ({ readonly type: 'range' } & RangeRequest);

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly TxnOperation[];
  readonly failure: readonly TxnOperation[];
}

export interface TxnResponse {
  readonly revision: number;
  readonly succeeded: boolean;
  /** What the ranges found, in their order. */
  readonly ranges: readonly RangeResponse[];
}

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** After a deletion: the key, and the deletion's revision. */
  readonly kv: KeyValue;
}

export interface WatchResponse {
  readonly revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0: history begins there only, and the watch is canceled. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More of the same revision follows. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

/** etcd's way to say "every key from the first on". */
export const everyKey = { key: '\0', rangeEnd: '\0' };

export const encodeRange = (request: RangeRequest): Buffer => writeRange(new Encoder(), request).finish();

function writeRange(encoder: Encoder, { key, rangeEnd = '', limit = 0, revision = 0 }: RangeRequest) {
  return encoder.text(1, key).text(2, rangeEnd).number(3, limit).number(4, revision);
}

export function encodeTxn({ compare, success, failure }: TxnRequest): Buffer {
  const encoder = new Encoder();
  for (const { key, modRevision } of compare) encoder.message(1, (inner) => writeCompare(inner, key, modRevision));
  for (const operation of success) encoder.message(2, (inner) => writeOperation(inner, operation));
  for (const operation of failure) encoder.message(3, (inner) => writeOperation(inner, operation));
  return encoder.finish();
}

const equal = 0;
const modRevisionTarget = 2;

function writeCompare(encoder: Encoder, key: string, modRevision: number): void {
  encoder.number(1, equal).number(2, modRevisionTarget).text(3, key);
  // Part of a oneof: 0 may be left out, since etcd reads a missing one as 0.
  encoder.number(6, modRevision);
}

function writeOperation(encoder: Encoder, operation: TxnOperation): void {
  if (operation.type === 'range') encoder.message(1, (inner) => writeRange(inner, operation));
  else if (operation.type === 'put') {
    const { key, value } = operation;
    encoder.message(2, (inner) => inner.text(1, key).text(2, value));
  } else encoder.message(3, (inner) => inner.text(1, operation.key));
}

export const encodeCompaction = (revision: number): Buffer => new Encoder().number(1, revision).finish();

/** A watch on every key, from a revision on. */
export const encodeWatchCreate = (startRevision: number): Buffer =>
  new Encoder()
    .message(1, (create) =>
      create.text(1, everyKey.key).text(2, everyKey.rangeEnd).number(3, startRevision).flag(8, true),
    )
    .finish();

/** @throws MalformedMessage, as all that decode do */
export const decodeRange = (bytes: Buffer): RangeResponse => readRange(new Decoder(bytes));

function readRange(decoder: Decoder): RangeResponse {
  const response = { revision: 0, kvs: [] as KeyValue[], more: false };
  while (decoder.next()) {
    if (decoder.field === 1) response.revision = readHeader(decoder.message());
    else if (decoder.field === 2) response.kvs.push(readKeyValue(decoder.message()));
    else if (decoder.field === 3) response.more = decoder.flag();
  }
  return response;
}

export function decodeTxn(bytes: Buffer): TxnResponse {
  const decoder = new Decoder(bytes);
  const response = { revision: 0, succeeded: false, ranges: [] as RangeResponse[] };
  while (decoder.next()) {
    if (decoder.field === 1) response.revision = readHeader(decoder.message());
    else if (decoder.field === 2) response.succeeded = decoder.flag();
    else if (decoder.field === 3) {
      const operation = decoder.message();
      while (operation.next()) if (operation.field === 1) response.ranges.push(readRange(operation.message()));
    }
  }
  return response;
}

export function decodeWatch(bytes: Buffer): WatchResponse {
  const decoder = new Decoder(bytes);
  const events: WatchEvent[] = [];
  const flags = { created: false, canceled: false, fragment: false };
  let [revision, compactRevision, cancelReason] = [0, 0, ''];
  while (decoder.next()) {
    if (decoder.field === 1) revision = readHeader(decoder.message());
    else if (decoder.field === 3) flags.created = decoder.flag();
    else if (decoder.field === 4) flags.canceled = decoder.flag();
    else if (decoder.field === 5) compactRevision = decoder.number();
    else if (decoder.field === 6) cancelReason = decoder.text();
    else if (decoder.field === 7) flags.fragment = decoder.flag();
    else if (decoder.field === 11) events.push(readEvent(decoder.message()));
  }
  return { revision, ...flags, compactRevision, cancelReason, events };
}

function readEvent(decoder: Decoder): WatchEvent {
  let type: WatchEvent['type'] = 'put';
  let kv: KeyValue | undefined;
  while (decoder.next()) {
    if (decoder.field === 1 && decoder.number() === 1) type = 'delete';
    else if (decoder.field === 2) kv = readKeyValue(decoder.message());
  }
  return { type, kv: kv ?? readKeyValue(new Decoder(Buffer.alloc(0))) };
}

function readKeyValue(decoder: Decoder): KeyValue {
  const kv = { key: '', value: '', createRevision: 0, modRevision: 0 };
  while (decoder.next()) {
    if (decoder.field === 1) kv.key = decoder.text();
    else if (decoder.field === 2) kv.createRevision = decoder.number();
    else if (decoder.field === 3) kv.modRevision = decoder.number();
    else if (decoder.field === 5) kv.value = decoder.text();
  }
  return kv;
}

function readHeader(decoder: Decoder): number {
  let revision = 0;
  while (decoder.next()) if (decoder.field === 3) revision = decoder.number();
  return revision;
}

/** Of Maintenance.Status: what release the member runs. */
export function decodeStatus(bytes: Buffer): { version: string } {
  const decoder = new Decoder(bytes);
  let version = '';
  while (decoder.next()) if (decoder.field === 2) version = decoder.text();
  return { version };
}
