import { StoreError } from '../errors.ts';
import type { Entry, Operation } from '../port.ts';
import type { Compare, KeyValue, TxnOperation, TxnRequest, TxnResponse } from './messages.ts';

/** etcd's --max-txn-ops, of which the fence takes one. */
export const maxOperations = 127;

/**
 * One commit as a transaction of etcd's: every precondition, then every write; where one does not hold, what each key
 * holds instead. `fence` is compared too: whoever writes it ends all transactions that still have its old revision.
 */
export function transactionOf(prefix: string, operations: readonly Operation[], fence: Compare): TxnRequest {
  return {
    compare: [fence, ...operations.map((operation) => compareOf(prefix, operation))],
    success: operations.map((operation) => writeOf(prefix, operation)),
    failure: [{ type: 'range', key: fence.key }, ...operations.map(({ key }) => rangeOf(prefix + key))],
  };
}

const rangeOf = (key: string): TxnOperation => ({ type: 'range', key });

const compareOf = (prefix: string, operation: Operation): Compare => ({
  key: prefix + operation.key,
  modRevision: operation.type === 'create' ? 0 : operation.expected,
});

const writeOf = (prefix: string, operation: Operation): TxnOperation => {
  const key = prefix + operation.key;
  return operation.type === 'delete' ? { type: 'delete', key } : { type: 'put', key, value: operation.value };
};

/** The revision of the fence that a refused transaction has found. */
export const fenceFound = ({ ranges }: TxnResponse): number => ranges[0]?.kvs[0]?.modRevision ?? 0;

/** Why a transaction was refused, by what it found; undefined when nothing but the fence was against it. */
export function refusalOf(
  prefix: string,
  operations: readonly Operation[],
  found: TxnResponse,
): StoreError | undefined {
  for (const [index, operation] of operations.entries()) {
    const kv = found.ranges[index + 1]?.kvs[0];
    const refusal = refusalOfOne(operation, kv && entryOf(prefix, kv));
    if (refusal) return refusal;
  }
  return undefined;
}

const entryOf = (prefix: string, { key, value, createRevision, modRevision }: KeyValue): Entry => ({
  key: key.slice(prefix.length),
  value,
  createRevision,
  modRevision,
});

function refusalOfOne(operation: Operation, current: Entry | undefined): StoreError | undefined {
  const { type, key } = operation;
  const attempted = `${{ create: 'Create', update: 'Update', delete: 'Delete' }[type]} ${key}`;
  if (type === 'create') {
    if (!current) return undefined;
    return new StoreError(attempted, 'exists', `revision ${current.modRevision} is there`, { key, current });
  }
  if (!current) return new StoreError(attempted, 'missing', 'there is no such key', { key });
  if (current.modRevision === operation.expected) return undefined;
  const state = `expected revision ${operation.expected}, it is at ${current.modRevision}`;
  return new StoreError(attempted, 'stale', state, { key, current });
}
