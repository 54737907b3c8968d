import { mapMessage, recordTypes, type UpstreamAnswer } from '../../wire/dns/mod.ts';
import type { Answer, Plugin } from '../chain/port.ts';

/**
 * Has addresses that other resolvers told take turns; those of the cluster's zone do so by themselves. `random` is in
 * [0, 1).
 */
export const createLoadbalancePlugin =
  (random: () => number): Plugin =>
  (next) =>
  (question) => {
    const turn = (answer: Answer): Answer =>
      answer.kind === 'relayed' ? { ...answer, upstream: turned(answer.upstream, random()) } : answer;
    const answer = next(question);
    return answer instanceof Promise ? answer.then(turn) : turn(answer);
  };

/** Turns the addresses at the end of the answer section, where they are of one size and none points into another. */
function turned(upstream: UpstreamAnswer, random: number): UpstreamAnswer {
  const { message } = upstream;
  if (message.length <= 12) return upstream;
  const { answers } = mapMessage(message);
  const first = answers.findLastIndex(({ type }) => type !== recordTypes.A && type !== recordTypes.AAAA) + 1;
  const run = answers.slice(first);
  const start = run[0]?.start ?? 0;
  const size = (run[0]?.end ?? 0) - start;
  const canTurn =
    run.length > 1 && run.every(({ start: at, end }) => end - at === size && pointsBefore(message, at, start));
  if (!canTurn) return upstream;
  const by = Math.floor(random * run.length) * size;
  const copy = Buffer.from(message);
  copy.set(message.subarray(start + by, start + size * run.length), start);
  copy.set(message.subarray(start, start + by), start + size * run.length - by);
  return { ...upstream, message: copy };
}

/** The record's name is nothing but a pointer to somewhere before `start`. */
function pointsBefore(message: Uint8Array, at: number, start: number): boolean {
  const high = message[at]!;
  return high >= 0xc0 && (((high & 0x3f) << 8) | message[at + 1]!) < start;
}
