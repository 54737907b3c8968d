import { MessageBatch, MessageFlag } from '../netlink/mod.ts';
import { genericHeader } from './batch.ts';
import {
  ElementListAttribute,
  type Family,
  GenerationAttribute,
  NftMessage,
  RuleAttribute,
  SetAttribute,
  TableAttribute,
} from './constants.ts';
import { attributesOf } from './objects.ts';

/** Requests that read. Dumps answer with one message per object and end on NLMSG_DONE; the others with one message. */

export function requestTable(family: Family, table: string, sequence: number): Buffer {
  return single(NftMessage.getTable, MessageFlag.acknowledge, family, sequence, (writer) =>
    writer.putString(TableAttribute.name, table),
  );
}

/** Chains of every table of the family: the kernel does not narrow this dump. */
export function requestChains(family: Family, sequence: number): Buffer {
  return single(NftMessage.getChain, MessageFlag.dump, family, sequence);
}

export function requestRules(family: Family, table: string, sequence: number): Buffer {
  return single(NftMessage.getRule, MessageFlag.dump, family, sequence, (writer) =>
    writer.putString(RuleAttribute.table, table),
  );
}

export function requestSets(family: Family, table: string, sequence: number): Buffer {
  return single(NftMessage.getSet, MessageFlag.dump, family, sequence, (writer) =>
    writer.putString(SetAttribute.table, table),
  );
}

export function requestElements(family: Family, table: string, set: string, sequence: number): Buffer {
  return single(NftMessage.getSetElement, MessageFlag.dump, family, sequence, (writer) => {
    writer.putString(ElementListAttribute.table, table);
    writer.putString(ElementListAttribute.set, set);
  });
}

/** The number that every committed transaction of the network namespace, whoever makes it, counts up by one. */
export function requestGeneration(sequence: number): Buffer {
  return single(NftMessage.getGeneration, MessageFlag.acknowledge, 0, sequence);
}

export function decodeGeneration(payload: Buffer): number | undefined {
  return attributesOf(payload).u32Be(GenerationAttribute.id);
}

function single(
  type: number,
  flags: number,
  family: Family,
  sequence: number,
  fill?: Parameters<MessageBatch['message']>[2],
): Buffer {
  const batch = new MessageBatch(sequence, 256);
  batch.message(type, flags, (writer) => {
    genericHeader(writer, family, 0);
    fill?.(writer);
  });
  return batch.finish();
}
