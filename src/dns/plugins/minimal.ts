import { mapMessage, responseCodes, type UpstreamAnswer } from '../../wire/dns/mod.ts';
import type { Answer, Plugin } from '../chain/port.ts';

const none = { bytes: new Uint8Array(0), ends: [] };

/** Leaves out of answers what the client did not ask for; negative ones keep the SOA record, which says how long they hold. */
export const createMinimalPlugin = (): Plugin => (next) => (question) => {
  const answer = next(question);
  return answer instanceof Promise ? answer.then(minimal) : minimal(answer);
};

function minimal(answer: Answer): Answer {
  if (answer.kind === 'relayed') return { ...answer, upstream: minimalMessage(answer.upstream) };
  const { response } = answer;
  if (response.rcode !== responseCodes.NoError || !response.answer?.answers.ends.length) return answer;
  const { authorities: _, answer: records, ...rest } = response;
  // Its turn is kept in the ready answer itself, so that clients still get another first one each time.
  const whole = records;
  const cut = {
    answers: whole.answers,
    additionals: none,
    turnBytes: whole.turnBytes,
    get turn() {
      return whole.turn;
    },
    set turn(turn: number) {
      whole.turn = turn;
    },
  };
  return { ...answer, response: { ...rest, answer: cut } };
}

function minimalMessage(upstream: UpstreamAnswer): UpstreamAnswer {
  if (upstream.rcode !== responseCodes.NoError || upstream.message.length <= 12) return upstream;
  const end = mapMessage(upstream.message).answers.at(-1)?.end;
  if (end === undefined) return upstream;
  const message = Buffer.from(upstream.message.subarray(0, end));
  message.fill(0, 8, 12);
  return { ...upstream, message };
}
