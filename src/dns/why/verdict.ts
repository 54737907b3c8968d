import type { DnsConfig } from '../../kube/mod.ts';
import type { Outcome, Result, Step } from './report.ts';
import { hasEnoughDots } from './search.ts';

/**
 * What glibc's resolver gives to its program after these steps: the first records; else it remembers that a name was
 * there without any, or that a server failed (resolv/res_query.c).
 */
export function resultOf(steps: readonly Step[]): Result {
  const found = steps.find(({ outcome }) => outcome === 'found');
  if (found) {
    const records = found.questions.filter(({ outcome }) => outcome === 'found').flatMap((asked) => asked.records);
    return { outcome: 'found', name: found.name, records, sentence: `The client gets the records of ${found.name}` };
  }
  const outcome = failureOf(steps);
  return { outcome, records: [], sentence: `The client gets ${sentences[outcome]}, after ${count(steps.length)}` };
}

const sentences: Record<Exclude<Outcome, 'found'>, string> = {
  'no-record': 'an answer without records (NODATA, "No address associated with hostname")',
  'no-name': 'no such name (NXDOMAIN, "Name or service not known")',
  failed: 'a failure that may pass (SERVFAIL, "Temporary failure in name resolution")',
  silent: 'a timeout ("Temporary failure in name resolution")',
};

const count = (names: number): string => (names === 1 ? 'one name' : `${names} names`);

function failureOf(steps: readonly Step[]): Exclude<Outcome, 'found'> {
  const outcomes = steps.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'found');
  // The name as it was given counts most when it was asked for first.
  if (steps[0]?.suffix === undefined) return outcomes[0] ?? 'silent';
  const searched = outcomes.slice(0, steps.filter(({ suffix }) => suffix !== undefined).length);
  const told = (['no-record', 'failed'] as const).find((outcome) => searched.includes(outcome));
  return told ?? outcomes.at(-1) ?? 'silent';
}

/** Of the questions of one name: records of any type are enough for the client. */
export function stepOutcome(outcomes: readonly Outcome[]): Outcome {
  const order = ['found', 'silent', 'failed', 'no-record'] as const;
  return order.find((outcome) => outcomes.includes(outcome)) ?? 'no-name';
}

/**
 * Where musl's resolver (src/network/lookup_name.c) goes another way: it never searches for a name of `ndots` dots, and its
 * search ends at the first name that is there, also without records, and at the first failure. Undefined: the same.
 */
export function muslSees(name: string, config: DnsConfig, steps: readonly Step[], result: Result): string | undefined {
  const asIs = !name.endsWith('.') && hasEnoughDots(name, config);
  const asked = asIs ? steps.filter(({ suffix }) => suffix === undefined) : steps;
  const last = asked.find(({ outcome }) => outcome !== 'no-name') ?? asked.at(-1);
  if (!last || last.name === result.name || (last.outcome !== 'found' && last.outcome === result.outcome))
    return undefined;
  if (asIs)
    return `musl (Alpine) does not use the search list for a name of so many dots: it ends with ${last.name}, ${short[last.outcome]}`;
  return `musl (Alpine) ends its search at ${last.name}: ${short[last.outcome]}`;
}

const short: Record<Outcome, string> = {
  found: 'records',
  'no-record': 'the name is there without records of the type',
  'no-name': 'no such name',
  failed: 'a failure',
  silent: 'no answer',
};
