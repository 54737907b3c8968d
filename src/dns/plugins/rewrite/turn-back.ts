import {
  encodeName,
  keyText,
  MalformedMessageError,
  mapTarget,
  nameKey,
  type ResourceRecord,
} from '../../../wire/dns/mod.ts';
import type { Answer, Records } from '../../chain/mod.ts';
import type { Replacer } from './replacer.ts';
import type { AnswerChange } from './rules.ts';

/** Changes every record of an answer, the last rule's first: what was done to the question is undone in that order. */
export function turnBack(records: Records, changes: readonly AnswerChange[]): Records {
  const inOrder = changes.toReversed();
  const turn = (record: ResourceRecord) => inOrder.reduce(change, record);
  return {
    answers: records.answers.map(turn),
    authorities: records.authorities.map(turn),
    additionals: records.additionals.map(turn),
  };
}

function change(record: ResourceRecord, { name, value, ttlSeconds }: AnswerChange): ResourceRecord {
  let changed = record;
  if (name) changed = { ...changed, name: replaced(changed.name, name) ?? changed.name };
  if (value) changed = mapTarget(changed, (target) => replaced(target, value));
  if (ttlSeconds) changed = { ...changed, ttlSeconds: ttlSeconds(changed.ttlSeconds) };
  return changed;
}

/** Undefined: the name stays, as one does of which the rule would make something that DNS cannot carry. */
export function replaced(name: Uint8Array, replace: Replacer): Uint8Array | undefined {
  const text = replace(keyText(nameKey(name)));
  if (text === undefined) return undefined;
  try {
    return encodeName(text);
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}

export function withCode(answer: Answer, changes: readonly AnswerChange[]): Answer {
  const given = answer.kind === 'ready' ? answer.response.rcode : answer.upstream.rcode;
  const rcode = changes.reduceRight((code, change) => change.rcode?.(code) ?? code, given);
  if (rcode === given) return answer;
  return answer.kind === 'ready'
    ? { ...answer, response: { ...answer.response, rcode } }
    : { ...answer, upstream: { ...answer.upstream, rcode } };
}
