import { cnameRecord, recordTypes, responseCodes } from '../../../wire/dns/mod.ts';
import {
  type Answer,
  type Handler,
  innerQuestion,
  type Question,
  type Records,
  rcodeOf,
  recordsOf,
  restate,
} from '../../chain/mod.ts';
import type { Replacer } from './replacer.ts';
import { replaced } from './turn-back.ts';

/** Has the first alias that the rule fits lead elsewhere: what stood behind it gives way to what is found there. */
export async function redirectAlias(
  asked: Question,
  answer: Answer,
  replace: Replacer,
  next: Handler,
): Promise<Answer> {
  const answers = recordsOf(asked, answer)?.answers ?? [];
  for (const [index, record] of answers.entries()) {
    if (record.type !== recordTypes.CNAME) continue;
    const target = replaced(record.data, replace);
    if (!target) continue;
    const kept = [...answers.slice(0, index), cnameRecord(record.name, target, record.ttlSeconds)];
    if (asked.query.type === recordTypes.CNAME) return restate(asked, asked, answer, () => only(kept));
    const inner = innerQuestion(asked, target, asked.query.type);
    const found = await next(inner);
    if (rcodeOf(found) !== responseCodes.NoError)
      return restate(asked, inner, found, (records) => ({ ...records, answers: kept }));
    return restate(asked, inner, found, (records) => ({ ...records, answers: [...kept, ...records.answers] }));
  }
  return answer;
}

const only = (answers: Records['answers']) => ({ answers, authorities: [], additionals: [] });
