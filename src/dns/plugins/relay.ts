import { responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly } from '../chain/mod.ts';
import type { Answer, Plugin, Question } from '../chain/port.ts';
import { ForwardError, type Forwarder } from '../forward/mod.ts';

/** The end of the chain without a Corefile: other resolvers are asked about every name that comes this far. */
export const createRelayPlugin =
  (forwarder: Forwarder): Plugin =>
  () =>
  (question) =>
    ask(forwarder, question);

async function ask(forwarder: Forwarder, { packet, query }: Question): Promise<Answer> {
  try {
    const question = packet.subarray(12, query.questionEnd);
    const dnssecOk = query.edns?.dnssecOk ?? false;
    return { kind: 'relayed', upstream: await forwarder.ask({ question, flags: query.flags, dnssecOk }) };
  } catch (error) {
    if (!(error instanceof ForwardError)) throw error;
    return codeOnly(responseCodes.ServFail, error.extended);
  }
}
