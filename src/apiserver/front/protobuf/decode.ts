import { badRequest, formatTime } from '../../../kube/mod.ts';
import { refuse } from '../../status-error.ts';
import type { Message, MessageField } from './fields.ts';
import { messages } from './messages.ts';
import { MalformedError, readFields } from './reader.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** What begins every object that is sent in protobuf (apimachinery's runtime/serializer/protobuf). */
const magic = Buffer.from('k8s\0');

type Fields = Record<string, unknown>;

/**
 * An object sent in protobuf as the JSON it stands for; undefined for a kind that has no table here. Refuses a field that
 * is not in the table: nothing that somebody has written is left out without a word.
 */
export function decodeProtobuf(body: Buffer): string | undefined {
  try {
    if (!body.subarray(0, magic.length).equals(magic)) throw new MalformedError('it does not begin with k8s\\0');
    const envelope = decode(unknown, body.subarray(magic.length)) as { type?: Fields };
    const { apiVersion = '', kind = '' } = (envelope.type ?? {}) as { apiVersion?: string; kind?: string };
    const message = messages[`${apiVersion}/${kind}`];
    if (!message) return undefined;
    return JSON.stringify({ apiVersion, kind, ...decode(message, rawOf(body)) });
  } catch (error) {
    if (error instanceof MalformedError)
      return refuse(badRequest(`the body of the request does not read as protobuf: ${error.message}`));
    throw error;
  }
}

/** apimachinery's runtime.Unknown, without `raw`. */
const unknown: Message = {
  1: { name: 'type', type: { 1: { name: 'apiVersion', type: 'text' }, 2: { name: 'kind', type: 'text' } } },
  2: { name: 'raw', type: {} },
  3: { name: 'contentEncoding', type: 'text' },
  4: { name: 'contentType', type: 'text' },
};

function rawOf(body: Buffer): Buffer {
  for (const { number, value } of readFields(body.subarray(magic.length)))
    if (number === 2) return asBytes(value, 'raw');
  return Buffer.alloc(0);
}

function decode(message: Message, bytes: Buffer): Fields {
  const object: Fields = {};
  for (const { number, value } of readFields(bytes)) {
    const field = message[number];
    if (!field) throw new MalformedError(`field number ${number} is not known here, send JSON`);
    if (field.name === 'raw') continue;
    const decoded = decodeField(field, value);
    if (field.name === '') Object.assign(object, decoded);
    else if (field.repeated) object[field.name] = [...((object[field.name] as unknown[]) ?? []), decoded];
    else if (isMap(field)) object[field.name] = { ...(object[field.name] as object), ...(decoded as object) };
    else if (field.present || !isZero(decoded)) object[field.name] = decoded;
  }
  return object;
}

const isMap = ({ type }: MessageField) => type === 'text-map' || type === 'bytes-map' || type === 'texts-map';

const isZero = (value: unknown) =>
  value === '' ||
  value === 0 ||
  value === false ||
  value === undefined ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

function decodeField({ name, type }: MessageField, value: bigint | Buffer): unknown {
  switch (type) {
    case 'number':
      return asNumber(value, name);
    case 'flag':
      return asNumber(value, name) !== 0;
    case 'text':
      return asText(value, name);
    case 'time':
      return timeOf(asBytes(value, name));
    case 'int-or-string':
      return intOrStringOf(asBytes(value, name));
    case 'bytes':
      return asBytes(value, name).toString('base64');
    case 'texts-map':
      return entryOf(asBytes(value, name), (bytes) => [...readFields(bytes)].map((item) => asText(item.value, name)));
    case 'text-map':
      return entryOf(asBytes(value, name), (bytes) => asText(bytes, name));
    case 'bytes-map':
      return entryOf(asBytes(value, name), (bytes) => bytes.toString('base64'));
    case 'json':
      return jsonOf(asBytes(value, name), name);
    default:
      return decode(type, asBytes(value, name));
  }
}

/** metav1.Time: seconds 1, nanos 2. Empty: no time. */
function timeOf(bytes: Buffer): string | undefined {
  for (const { number, value } of readFields(bytes))
    if (number === 1) return formatTime(asNumber(value, 'time') * 1000);
  return undefined;
}

/** metav1.FieldsV1: the text 1. */
function jsonOf(bytes: Buffer, name: string): unknown {
  for (const { number, value } of readFields(bytes)) {
    if (number !== 1) continue;
    try {
      return JSON.parse(asText(value, name));
    } catch {
      throw new MalformedError(`${name} is not JSON`);
    }
  }
  return undefined;
}

/** util.intstr.IntOrString: type 1 (0 is a number), intVal 2, strVal 3. */
function intOrStringOf(bytes: Buffer): number | string {
  const found = new Map([...readFields(bytes)].map(({ number, value }) => [number, value]));
  if (found.get(1) === 1n) return asText(found.get(3) ?? Buffer.alloc(0), 'strVal');
  return asNumber(found.get(2) ?? 0n, 'intVal');
}

/** One entry of a map is a message of its own: key 1, value 2. */
function entryOf<Value>(bytes: Buffer, read: (value: Buffer) => Value): Record<string, Value> {
  const found = new Map([...readFields(bytes)].map(({ number, value }) => [number, asBytes(value, 'entry')]));
  const empty = Buffer.alloc(0);
  return { [asText(found.get(1) ?? empty, 'key')]: read(found.get(2) ?? empty) };
}

function asBytes(value: bigint | Buffer, name: string): Buffer {
  if (typeof value === 'bigint') throw new MalformedError(`${name} is a number`);
  return value;
}

function asNumber(value: bigint | Buffer, name: string): number {
  if (typeof value !== 'bigint') throw new MalformedError(`${name} is not a number`);
  return Number(value);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function asText(value: bigint | Buffer, name: string): string {
  try {
    return decoder.decode(asBytes(value, name));
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(`${name} is not UTF-8`);
  }
}
