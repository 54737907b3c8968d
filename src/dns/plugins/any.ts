import { anyRefusal, encodeReadyAnswer, recordTypes, responseCodes, wireOf } from '../../wire/dns/mod.ts';
import type { Answer, Plugin } from '../chain/port.ts';

/** RFC 8482: one small record instead of all there is, which was only ever of use to those who flood others. */
export function refusedAny(key: string, ttlSeconds: number, authoritative: boolean): Answer {
  const name = wireOf(key);
  const answer = encodeReadyAnswer(name, [anyRefusal(name, ttlSeconds)]);
  return {
    kind: 'ready',
    response: { rcode: responseCodes.NoError, authoritative, recursionAvailable: true, answer },
  };
}

/** Answers ANY for every name that comes this far. */
export const createAnyPlugin =
  (ttlSeconds: number): Plugin =>
  (next) =>
  (question) =>
    question.query.type === recordTypes.ANY ? refusedAny(question.query.key, ttlSeconds, false) : next(question);
