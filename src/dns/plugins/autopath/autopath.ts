import { cnameRecord, isWithin, responseCodes, wireOf } from '../../../wire/dns/mod.ts';
import {
  type Answer,
  type Handler,
  type Plugin,
  type Question,
  rcodeOf,
  renamedQuestion,
  restate,
} from '../../chain/mod.ts';
import { isWithinAny, zoneKeys } from '../zones.ts';
import type { SearchPath, SearchSource } from './search-path.ts';

export interface AutopathOptions {
  readonly zones: readonly string[];
  readonly source: SearchSource;
  /** A name was found further on in a client's search list. */
  readonly onFound: () => void;
}

/**
 * Looks for a name in the client's search list, so that the client need not: it asks for the first name of the list, and
 * gets an alias to the one that exists (plugin/autopath). What is found is never kept under the name that was asked for,
 * which is another client's name too (docs/decisions/0017).
 */
export function createAutopathPlugin(options: AutopathOptions): Plugin {
  const zones = zoneKeys(options.zones);
  return (next) => (question) => {
    const { key } = question.query;
    const path = isWithinAny(key, zones) ? options.source(question.client.address, key) : undefined;
    if (!path || key.length === path.first.length || !isWithin(key, path.first)) return next(question);
    const answer = next(question);
    if (answer instanceof Promise) return answer.then((late) => goOn(question, path, late, next, options.onFound));
    return goOn(question, path, answer, next, options.onFound);
  };
}

const isMissing = (answer: Answer): boolean => rcodeOf(answer) === responseCodes.NXDomain;

function goOn(question: Question, path: SearchPath, first: Answer, next: Handler, onFound: () => void) {
  return isMissing(first) ? search(question, path, first, next, onFound) : first;
}

/** Failing that, the first answer: the client goes on by itself, and meets whatever is wrong where it is. */
async function search(
  question: Question,
  path: SearchPath,
  first: Answer,
  next: Handler,
  onFound: () => void,
): Promise<Answer> {
  const { query } = question;
  const base = query.key.slice(0, query.key.length - path.first.length);
  for (const suffix of path.others) {
    if (base.length + suffix.length > longestNameBytes) continue;
    const inner = renamedQuestion(question, { ...query, key: base + suffix });
    const answer = await next(inner);
    // The address may have become another Pod's while somebody else was asked.
    if (!path.holds()) return first;
    if (isMissing(answer)) continue;
    if (rcodeOf(answer) !== responseCodes.NoError) return first;
    onFound();
    return aliased(question, inner, answer);
  }
  return first;
}

const longestNameBytes = 255;

function aliased(question: Question, inner: Question, answer: Answer): Answer {
  const [asked, found] = [wireOf(question.query.key), wireOf(inner.query.key)];
  return restate(question, inner, answer, (records) => {
    const [first] = records.answers;
    if (!first) return records;
    return { ...records, answers: [cnameRecord(asked, found, first.ttlSeconds), ...records.answers] };
  });
}
