import { nameText, recordClasses, typeText } from '../../wire/dns/mod.ts';
import type { Question } from '../chain/port.ts';
import type { LogClass, LogOptions } from '../corefile/mod.ts';
import { isWithinAny, zoneKeys } from '../plugins/zones.ts';

const classNames: ReadonlyMap<number, string> = new Map(
  Object.entries(recordClasses).map(([name, number]) => [number, name]),
);
const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

interface Answered {
  readonly question: Question;
  readonly reply: Buffer;
  readonly rcode: number;
  readonly elapsedMs: number;
}

/** The `log` directive: one line a question, in its format, for the zones and classes that it names. */
export class QueryLog {
  readonly #zones: readonly string[];
  readonly #classes: readonly LogClass[];
  readonly #minDurationMs: number | undefined;
  readonly #parts: readonly ((answered: Answered) => string)[];
  readonly #write: (line: string) => void;

  constructor({ zones, classes, format, minDurationMs }: LogOptions, write: (line: string) => void) {
    this.#zones = zoneKeys(zones);
    this.#classes = classes;
    this.#minDurationMs = minDurationMs;
    this.#parts = compile(format);
    this.#write = write;
  }

  answered(question: Question, reply: Buffer, rcode: number, elapsedMs: number): void {
    if (!isWithinAny(question.query.key, this.#zones)) return;
    const isWanted =
      this.#classes.includes('all') || this.#classes.includes(classOf(reply, rcode)) || this.#isSlow(elapsedMs);
    if (isWanted)
      this.#write(`[INFO] ${this.#parts.map((part) => part({ question, reply, rcode, elapsedMs })).join('')}\n`);
  }

  #isSlow(elapsedMs: number): boolean {
    return this.#minDurationMs !== undefined && elapsedMs >= this.#minDurationMs;
  }
}

/** As CoreDNS sorts answers: no such name and no such record are denials, refusals and failures are errors. */
function classOf(reply: Buffer, rcode: number): LogClass {
  if (rcode === 3) return 'denial';
  if (rcode !== 0) return 'error';
  return reply.readUInt16BE(6) === 0 ? 'denial' : 'success';
}

/** Metadata labels, `{/…}`, are not known here, and so what CoreDNS writes for an unknown one. */
const compile = (format: string): ((answered: Answered) => string)[] =>
  format.split(/(\{[^{}]*\})/).map((part) => {
    if (!part.startsWith('{')) return () => part;
    return placeholders[part.slice(1, -1)] ?? (() => '-');
  });

const placeholders: Readonly<Record<string, (answered: Answered) => string>> = {
  type: ({ question: { query } }) => typeText(query.type),
  name: ({ question: { packet, query } }) =>
    `${nameText(packet.subarray(12, query.questionEnd - 4)).replace(/^\.$/, '')}.`,
  class: ({ question: { query } }) => classNames.get(query.class) ?? `CLASS${query.class}`,
  proto: ({ question: { transport } }) => transport.kind,
  remote: ({ question: { client } }) => addressText(client.address),
  local: () => '-',
  size: ({ question: { packet } }) => String(packet.length),
  port: ({ question: { client } }) => String(client.port),
  duration: ({ elapsedMs }) => `${(elapsedMs / 1000).toFixed(9)}s`,
  rcode: ({ rcode }) => rcodes[rcode] ?? `RCODE${rcode}`,
  rsize: ({ reply }) => String(reply.length),
  '>rflags': ({ reply }) => flagsText(reply),
  '>bufsize': ({ question: { query } }) => String(query.edns?.payloadBytes ?? 512),
  '>do': ({ question: { query } }) => String(query.edns?.dnssecOk ?? false),
  '>id': ({ question: { query } }) => String(query.id),
  '>opcode': ({ question: { query } }) => String(query.opcode),
};

const addressText = (address: string): string => (address.includes(':') ? `[${address}]` : address);

const flagBits = { qr: 0x8000, aa: 0x0400, tc: 0x0200, rd: 0x0100, ra: 0x0080, ad: 0x0020, cd: 0x0010 } as const;

function flagsText(reply: Buffer): string {
  const flags = reply.readUInt16BE(2);
  return Object.entries(flagBits)
    .filter(([, bit]) => flags & bit)
    .map(([name]) => name)
    .join(',');
}
