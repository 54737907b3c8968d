import { isWithin, responseCodes } from '../../wire/dns/mod.ts';
import { cameOverTcp, codeOnly } from '../chain/mod.ts';
import type { Answer, Plugin, Question } from '../chain/port.ts';
import { ForwardError, type Forwarder } from '../forward/mod.ts';
import { isWithinAny, zoneKeys } from './zones.ts';

export interface RelayOptions {
  readonly forwarder: Pick<Forwarder, 'ask'>;
  /** Names below it are asked about. Default all. */
  readonly from?: string;
  /** But not those. */
  readonly except?: readonly string[];
  /** Whether another resolver may know better: then the next handler is asked. Default never. */
  readonly isForNext?: (answer: Answer) => boolean;
}

/** Asks other resolvers about the names that come this far. */
export function createRelayPlugin(options: RelayOptions): Plugin {
  const { forwarder, from = '.', except = [], isForNext = () => false } = options;
  const [zone] = zoneKeys([from]);
  // As CoreDNS has it: the zone's own name is forwarded even where `except` covers it.
  const excepted = zoneKeys(except);
  return (next) => (question) => {
    const { key } = question.query;
    if (!isWithin(key, zone!) || (key !== zone && isWithinAny(key, excepted))) return next(question);
    return ask(forwarder, question).then((answer) => (isForNext(answer) ? next(question) : answer));
  };
}

async function ask(forwarder: RelayOptions['forwarder'], asked: Question): Promise<Answer> {
  const { packet, query } = asked;
  try {
    const question = packet.subarray(12, query.questionEnd);
    const dnssecOk = query.edns?.dnssecOk ?? false;
    const upstream = await forwarder.ask({ question, flags: query.flags, dnssecOk }, cameOverTcp(asked));
    return { kind: 'relayed', from: 'forward', upstream };
  } catch (error) {
    if (!(error instanceof ForwardError)) throw error;
    return codeOnly(error.rcode, error.extended);
  }
}

/** `next` and `next_on_nodata` of CoreDNS's forward: what the resolvers of one `forward` say may send a question to the next one. */
export const answersForNext =
  (codes: readonly number[], onNoData: boolean) =>
  (answer: Answer): boolean => {
    if (answer.kind !== 'relayed') return false;
    const { rcode, message } = answer.upstream;
    const isNoData = rcode === responseCodes.NoError && message[6] === 0 && message[7] === 0;
    return codes.includes(rcode) || (onNoData && isNoData);
  };
