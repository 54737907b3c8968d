import {
  addressRecord,
  headerFlags,
  type ResourceRecord,
  recordClasses,
  recordTypes,
  responseCodes,
} from '../../wire/dns/mod.ts';
import {
  type Answer,
  type Handler,
  type Plugin,
  type Question,
  rcodeOf,
  recordsOf,
  renamedQuestion,
  restate,
} from '../chain/mod.ts';

export interface Dns64Options {
  /** Sixteen bytes, of which the first `prefixBits` count: 32, 40, 48, 56, 64 or 96 (RFC 6052 section 2.2). */
  readonly prefix: Uint8Array;
  readonly prefixBits: number;
  /** Names that have an IPv6 address of their own too. */
  readonly translateAll: boolean;
  /** Clients that ask over IPv4 too. */
  readonly allowIPv4: boolean;
  readonly onTranslated?: () => void;
}

/** RFC 6147 section 5.1.7: for how long it is known that there is no address of its own. */
const unknownTtlSeconds = 600;

/** Gives names that have an IPv4 address only one of IPv6 behind a translator (RFC 6147; plugin/dns64). */
export function createDns64Plugin(options: Dns64Options): Plugin {
  return (next) => (question) => {
    if (!concerns(question, options)) return next(question);
    const answer = next(question);
    return answer instanceof Promise
      ? answer.then((late) => translated(question, late, next, options))
      : translated(question, answer, next, options);
  };
}

function concerns({ query, client }: Question, { allowIPv4 }: Dns64Options): boolean {
  if (query.type !== recordTypes.AAAA || query.class !== recordClasses.IN) return false;
  // Who checks signatures without us (section 5.5) would find that ours are none.
  if (query.edns?.dnssecOk && query.flags & headerFlags.checkingDisabled) return false;
  return allowIPv4 || (client.address.includes(':') && !client.address.startsWith('::ffff:'));
}

function translated(
  question: Question,
  answer: Answer,
  next: Handler,
  options: Dns64Options,
): Answer | Promise<Answer> {
  if (rcodeOf(answer) === responseCodes.NXDomain) return answer;
  const records = recordsOf(question, answer);
  if (!records) return answer;
  const { answers, authorities } = records;
  if (!options.translateAll && answers.some(({ type }) => type === recordTypes.AAAA)) return answer;
  const soa = authorities.find(({ type }) => type === recordTypes.SOA);
  const mostTtlSeconds = soa ? negativeTtlSeconds(soa) : unknownTtlSeconds;
  return synthesize(question, answer, next, { ...options, mostTtlSeconds });
}

/** How long a denial may be kept (RFC 2308 section 5). */
const negativeTtlSeconds = ({ data, ttlSeconds }: ResourceRecord): number =>
  Math.min(ttlSeconds, Buffer.from(data).readUInt32BE(data.length - 4));

async function synthesize(
  question: Question,
  answer: Answer,
  next: Handler,
  options: Dns64Options & { readonly mostTtlSeconds: number },
): Promise<Answer> {
  const inner = renamedQuestion(question, { ...question.query, type: recordTypes.A });
  const found = await next(inner);
  if (rcodeOf(found) !== responseCodes.NoError) return answer;
  if (!recordsOf(inner, found)?.answers.some(({ type }) => type === recordTypes.A)) return answer;
  options.onTranslated?.();
  return restate(question, inner, found, ({ answers }) => ({
    answers: answers.map((record) => (record.type === recordTypes.A ? mapped(record, options) : record)),
    authorities: [],
    additionals: [],
  }));
}

function mapped(
  { name, data, ttlSeconds }: ResourceRecord,
  { prefix, prefixBits, mostTtlSeconds }: Dns64Options & { readonly mostTtlSeconds: number },
): ResourceRecord {
  const address = new Uint8Array(16);
  address.set(prefix.subarray(0, prefixBits / 8));
  let at = prefixBits / 8;
  for (const byte of data) {
    // Bits 64 to 71 are always zero (RFC 6052 section 2.2).
    if (at === 8) at++;
    address[at++] = byte;
  }
  return addressRecord(name, address, Math.min(ttlSeconds, mostTtlSeconds));
}
