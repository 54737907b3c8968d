import {
  encodeRelayed,
  encodeResponse,
  headerFlags,
  parseQuery,
  type Query,
  recordClasses,
  safeUdpBytes,
} from '../../wire/dns/mod.ts';
import type { Answer, Question } from './port.ts';

/** Answers to ourselves are never cut. */
export const uncut = { kind: 'tcp', maxUdpBytes: safeUdpBytes } as const;

const keptFlags = headerFlags.recursionDesired | headerFlags.checkingDisabled;

/** A question of our own on the way to answering `outer`: `name` (a wire name) and `type`, for the same client. */
export const innerQuestion = (outer: Question, name: Uint8Array, type: number): Question => ({
  ...ownQuestion(name, type, outer.query.flags & keptFlags, outer.client),
  depth: (outer.depth ?? 0) + 1,
});

/** A question that no client has asked. */
export function ownQuestion(
  name: Uint8Array,
  type: number,
  flags: number = headerFlags.recursionDesired,
  client: Question['client'] = { address: '127.0.0.1', port: 0 },
): Question {
  const packet = Buffer.alloc(12 + name.length + 4);
  packet.writeUInt16BE(flags, 2);
  packet.writeUInt16BE(1, 4);
  packet.set(name, 12);
  packet.writeUInt16BE(type, 12 + name.length);
  packet.writeUInt16BE(recordClasses.IN, 14 + name.length);
  return { packet, query: parseQuery(packet)!, transport: uncut, client };
}

/** The same question, EDNS and all, about another name, type or class. */
export function renamedQuestion(
  question: Question,
  { key, type, class: inClass }: Pick<Query, 'key' | 'type' | 'class'>,
): Question {
  const { packet, query } = question;
  const questionEnd = 16 + key.length;
  const renamed = Buffer.allocUnsafe(questionEnd + packet.length - query.questionEnd);
  renamed.set(packet.subarray(0, 12));
  renamed.write(key, 12, 'latin1');
  renamed.writeUInt16BE(type, questionEnd - 4);
  renamed.writeUInt16BE(inClass, questionEnd - 2);
  renamed.set(packet.subarray(query.questionEnd), questionEnd);
  return { ...question, packet: renamed, query: { ...query, key, type, class: inClass, questionEnd } };
}

/** Whether the client did; questions of our own have none. */
export const cameOverTcp = ({ transport }: Question): boolean => transport.kind === 'tcp' && transport !== uncut;

/** The whole message that `answer` is. */
export const messageOf = ({ packet, query }: Question, answer: Answer): Buffer =>
  answer.kind === 'relayed'
    ? encodeRelayed(packet, query, answer.upstream, uncut)
    : encodeResponse(packet, query, answer.response, uncut);

/** `messageOf` reads it from four bits; this is the whole code. */
export const rcodeOf = (answer: Answer): number =>
  answer.kind === 'relayed' ? answer.upstream.rcode : answer.response.rcode;
