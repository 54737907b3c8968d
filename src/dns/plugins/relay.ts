import { isWithin, responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly } from '../chain/mod.ts';
import type { Answer, Plugin, Question } from '../chain/port.ts';
import { ForwardError, type Forwarder } from '../forward/mod.ts';
import { isWithinAny, zoneKeys } from './zones.ts';

export interface RelayOptions {
  readonly forwarder: Forwarder;
  /** Names below it are asked about. Default all. */
  readonly from?: string;
  /** But not those. */
  readonly except?: readonly string[];
}

/** Asks other resolvers about the names that come this far. */
export function createRelayPlugin({ forwarder, from = '.', except = [] }: RelayOptions): Plugin {
  const [zone] = zoneKeys([from]);
  const excepted = zoneKeys(except);
  return (next) => (question) => {
    const { key } = question.query;
    if (!isWithin(key, zone!) || isWithinAny(key, excepted)) return next(question);
    return ask(forwarder, question);
  };
}

async function ask(forwarder: Forwarder, { packet, query }: Question): Promise<Answer> {
  try {
    const question = packet.subarray(12, query.questionEnd);
    const dnssecOk = query.edns?.dnssecOk ?? false;
    return {
      kind: 'relayed',
      from: 'forward',
      upstream: await forwarder.ask({ question, flags: query.flags, dnssecOk }),
    };
  } catch (error) {
    if (!(error instanceof ForwardError)) throw error;
    return codeOnly(responseCodes.ServFail, error.extended);
  }
}
