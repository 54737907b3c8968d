import {
  encodeResponse,
  encodeSections,
  extendedErrors,
  MalformedMessageError,
  mapMessage,
  type ResourceRecord,
  readRecord,
  recordTypes,
  responseCodes,
  type Sections,
  wireOf,
} from '../../wire/dns/mod.ts';
import { codeOnly } from './compose.ts';
import { uncut } from './inner.ts';
import type { Answer, Question } from './port.ts';

export type Records = Sections<readonly ResourceRecord[]>;

/** The answer to another question as the answer to `question`, its records as `change` leaves them. */
export function restate(
  question: Question,
  asked: Question,
  answer: Answer,
  change: (records: Records) => Records,
): Answer {
  try {
    return answer.kind === 'relayed'
      ? restateRelayed(question, answer, change)
      : restateReady(question, asked, answer, change);
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    return codeOnly(responseCodes.ServFail, { code: extendedErrors.InvalidData, text: 'A malformed answer' });
  }
}

/** The records of an answer, names in them expanded; undefined for what is malformed, which other resolvers may send. */
export function recordsOf(asked: Question, answer: Answer): Records | undefined {
  try {
    return readRecords(answerMessage(asked, answer));
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}

const answerMessage = (asked: Question, answer: Answer): Uint8Array =>
  answer.kind === 'relayed'
    ? answer.upstream.message
    : encodeResponse(asked.packet, asked.query, answer.response, uncut);

function readRecords(message: Uint8Array): Records {
  // A message without its question (which FORMERR and the like may be) has no records either.
  if (message[5] === 0) return { answers: [], authorities: [], additionals: [] };
  const { answers, authorities, additionals } = mapMessage(message);
  const read = (places: typeof answers) => places.map((place) => readRecord(message, place));
  const withoutOpt = additionals.filter(({ type }) => type !== recordTypes.OPT);
  return { answers: read(answers), authorities: read(authorities), additionals: read(withoutOpt) };
}

function restateRelayed(
  { packet, query }: Question,
  answer: Answer & { kind: 'relayed' },
  change: (records: Records) => Records,
): Answer {
  const { message } = answer.upstream;
  const records = change(readRecords(message));
  const { answers, authorities, additionals } = encodeSections(wireOf(query.key), records);
  const header = Buffer.from(message.subarray(0, 12));
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.ends.length, 6);
  header.writeUInt16BE(authorities.ends.length, 8);
  header.writeUInt16BE(additionals.ends.length, 10);
  const question = packet.subarray(12, query.questionEnd);
  const whole = Buffer.concat([header, question, answers.bytes, authorities.bytes, additionals.bytes]);
  return { ...answer, upstream: { ...answer.upstream, message: whole } };
}

function restateReady(
  { query }: Question,
  asked: Question,
  answer: Answer & { kind: 'ready' },
  change: (records: Records) => Records,
): Answer {
  const records = change(readRecords(answerMessage(asked, answer)));
  const { authorities, ...ready } = encodeSections(wireOf(query.key), records);
  return { ...answer, response: { ...answer.response, answer: ready, authorities } };
}
