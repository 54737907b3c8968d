import { decodeAttributes, MalformedError, type MessageBatch, type NetlinkMessage } from '../netlink/mod.ts';
import { ConntrackMessage, genericHeaderLength, StatisticsAttribute } from './constants.ts';
import { writeHeader } from './flow.ts';

/** Asks how many flows of all families and protocols there are in the network namespace: a counter, no walk. */
export function encodeCountFlows(batch: MessageBatch): void {
  batch.message(ConntrackMessage.getStatistics, 0, (writer) => writeHeader(writer, 0));
}

export const isFlowCount = ({ type }: NetlinkMessage): boolean => type === ConntrackMessage.getStatistics;

/** Throws MalformedError when it is not the answer to that. */
export function decodeFlowCount({ payload }: NetlinkMessage): number {
  const count = decodeAttributes(payload.subarray(genericHeaderLength)).u32Be(StatisticsAttribute.flows);
  if (count === undefined) throw new MalformedError('Decode conntrack message', 'no number of flows');
  return count;
}
