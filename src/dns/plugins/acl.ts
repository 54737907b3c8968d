import ipaddr from 'ipaddr.js';
import { responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly } from '../chain/mod.ts';
import type { Answer, Plugin, Question } from '../chain/port.ts';
import { isWithinAny, zoneKeys } from './zones.ts';

export interface AclOptions {
  readonly zones: readonly string[];
  /** The first one that fits decides; without one the question is allowed. */
  readonly rules: readonly AclRule[];
}

export interface AclRule {
  readonly action: 'allow' | 'block' | 'filter' | 'drop';
  /** Record types; undefined: all. */
  readonly types: readonly number[] | undefined;
  /** Address ranges; undefined: all. */
  readonly sources: readonly string[] | undefined;
}

/** RFC 8914, codes 15 and 17: the server's operator, not the name, is why. */
const answers: Readonly<Record<Exclude<AclRule['action'], 'allow'>, Answer>> = {
  block: codeOnly(responseCodes.Refused, { code: 15, text: 'Blocked by the access list' }),
  filter: codeOnly(responseCodes.NoError, { code: 17, text: 'Filtered by the access list' }),
  // No answer at all would leave the client waiting; CoreDNS's own drop says nothing, ours says no.
  drop: codeOnly(responseCodes.Refused, { code: 15, text: 'Blocked by the access list' }),
};

/** Answers for some clients only. */
export function createAclPlugin({ zones, rules }: AclOptions): Plugin {
  const keys = zoneKeys(zones);
  const tests = rules.map((rule) => ({ action: rule.action, fits: testOf(rule) }));
  return (next) => (question) => {
    if (!isWithinAny(question.query.key, keys)) return next(question);
    const action = tests.find(({ fits }) => fits(question))?.action ?? 'allow';
    return action === 'allow' ? next(question) : answers[action];
  };
}

function testOf({ types, sources }: AclRule): (question: Question) => boolean {
  const ranges = sources?.map((source) => ipaddr.parseCIDR(source));
  return ({ query, client }) => {
    if (types && !types.includes(query.type)) return false;
    if (!ranges) return true;
    const address = ipaddr.process(client.address.split('%', 1)[0]!);
    return ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
}
