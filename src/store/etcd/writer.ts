import { randomUUID } from 'node:crypto';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Engine } from '../engine.ts';
import { isStoreError, StoreError } from '../errors.ts';
import type { Operation, StoreEvent } from '../port.ts';
import type { Connection } from './connection.ts';
import { CallError, grpcStatus } from './grpc.ts';
import { decodeTxn, encodeTxn, type TxnRequest, type TxnResponse } from './messages.ts';
import type { Mirror } from './mirror.ts';
import { MalformedMessage } from './protobuf.ts';
import { fenceFound, refusalOf, transactionOf } from './transaction.ts';

/** Longer than etcd itself waits for its cluster (5 s and two elections). */
const attemptTimeoutMs = 8_000;
/** After this long a commit that has not gone through is given up; its writer is told what is known of it. */
const commitTimeoutMs = 30_000;
const retryMs = 100;

export interface WriterParts {
  readonly engine: Engine;
  readonly connection: Connection;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly prefix: string;
}

/**
 * Commits. An answer that does not come leaves open whether the transaction was, or still will be, applied. Each
 * transaction therefore requires that this process's fence key is as it was; writing that key ends all that are on
 * their way, and what the mirror shows from then on is the truth about them.
 */
export class Writer {
  readonly #parts: WriterParts;
  readonly #fenceKey: string;
  #fence = 0;
  #fencing: Promise<number> | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#fenceKey = `${parts.prefix}~fence/${randomUUID()}`;
  }

  /** @returns the revision, when it is visible here */
  async commit(operations: readonly Operation[]): Promise<number> {
    const { clock, engine, mirror } = this.#parts;
    const deadlineMs = clock.monotonicMs() + commitTimeoutMs;
    for (;;) {
      const [fence, since, loads] = [this.#fence, engine.revision, mirror.loads];
      try {
        const revision = await this.#attempt(operations, fence);
        if (revision === undefined) continue;
        await mirror.reach(revision, undefined);
        return revision;
      } catch (error) {
        const outcome = outcomeOf(error);
        if (outcome === 'refused') throw refusalOfCall(error);
        if (outcome === 'unknown') {
          const revision = await this.#find(operations, { since, loads, fence, deadlineMs, error });
          if (revision !== undefined) return revision;
        }
        if (clock.monotonicMs() > deadlineMs) throw new StoreError('Commit', 'unavailable', messageOf(error));
        await sleep(clock, retryMs);
      }
    }
  }

  /** Undefined: our own fence was in between, and nothing was written. */
  async #attempt(operations: readonly Operation[], fence: number): Promise<number | undefined> {
    const { prefix } = this.#parts;
    const request = transactionOf(prefix, operations, { key: this.#fenceKey, modRevision: fence });
    const response = await this.#send(request);
    if (response.succeeded) return response.revision;
    const found = fenceFound(response);
    this.#fence = Math.max(this.#fence, found);
    const refusal = refusalOf(prefix, operations, response);
    // What stands in the way must be seen by whoever tries again.
    if (found === fence || refusal) {
      if (!refusal) throw new StoreError('Commit', 'failed', 'etcd refuses it although all that it requires holds');
      await this.#parts.mirror.reach(response.revision, attemptTimeoutMs).catch(() => {});
      throw refusal;
    }
    return undefined;
  }

  /** Ends the transaction if it is still on its way, then looks whether it happened; rejects with `uncertain`. */
  async #find(
    operations: readonly Operation[],
    sent: { since: number; loads: number; fence: number; deadlineMs: number; error: unknown },
  ): Promise<number | undefined> {
    const { clock, engine, mirror } = this.#parts;
    while (clock.monotonicMs() <= sent.deadlineMs) {
      try {
        const fenced = this.#fence > sent.fence ? this.#fence : await this.#raiseFence();
        await mirror.reach(fenced, attemptTimeoutMs);
        if (mirror.loads !== sent.loads || engine.compacted > sent.since) break;
        return appliedAt(engine, operations, sent.since);
      } catch (error) {
        if (outcomeOf(error) === 'refused') throw uncertain(sent.error);
        await sleep(clock, retryMs);
      }
    }
    throw uncertain(sent.error);
  }

  /** All that wait for it share one. */
  #raiseFence(): Promise<number> {
    this.#fencing ??= this.#writeFence().finally(() => {
      this.#fencing = undefined;
    });
    return this.#fencing;
  }

  async #writeFence(): Promise<number> {
    const put = { type: 'put' as const, key: this.#fenceKey, value: new Date(this.#parts.clock.now()).toISOString() };
    const { revision } = await this.#send({ compare: [], success: [put], failure: [] });
    this.#fence = Math.max(this.#fence, revision);
    return revision;
  }

  async #send(request: TxnRequest): Promise<TxnResponse> {
    const call = { path: '/etcdserverpb.KV/Txn', message: encodeTxn(request) };
    return decodeTxn(await this.#parts.connection.call(call, attemptTimeoutMs));
  }
}

/**
 * The revision at which history shows exactly these operations. Each starts from one version of its key that only one
 * commit can have replaced, or from none: where that commit wrote the same, it makes no difference whose it was.
 */
function appliedAt(engine: Engine, operations: readonly Operation[], since: number): number | undefined {
  const [first, ...others] = operations.map((operation) => revisionsOf(engine, operation, since));
  return first?.find((revision) => others.every((revisions) => revisions.includes(revision)));
}

function revisionsOf(engine: Engine, operation: Operation, since: number): number[] {
  const value = operation.type === 'delete' ? undefined : operation.value;
  const isSame = ({ key, previous, entry }: StoreEvent) =>
    key === operation.key && (previous?.modRevision ?? 0) === expectedOf(operation) && entry?.value === value;
  return engine
    .changes(since, operation.key)
    .filter(isSame)
    .map(({ revision }) => revision);
}

const expectedOf = (operation: Operation): number => (operation.type === 'create' ? 0 : operation.expected);

/** `nothing` was written, nothing will be, and it may be tried again; `refused`: nor will it help to try again. */
function outcomeOf(error: unknown): 'nothing' | 'refused' | 'unknown' {
  if (isStoreError(error, 'unavailable')) return 'nothing';
  if (error instanceof MalformedMessage) return 'unknown';
  if (!(error instanceof CallError)) return 'refused';
  if (!error.isSent) return 'nothing';
  if (isBusy(error)) return 'nothing';
  return error.status !== undefined && refusingStatus.has(error.status) ? 'refused' : 'unknown';
}

/** etcd says so before it takes a request on. */
const isBusy = ({ status, message }: CallError) =>
  status === grpcStatus.resourceExhausted && message.includes('too many requests');

/** Invalid argument, permission denied, resource exhausted, failed precondition, unimplemented, unauthenticated. */
const refusingStatus = new Set<number>([3, 7, grpcStatus.resourceExhausted, 9, 12, 16]);

function refusalOfCall(error: unknown): unknown {
  if (!(error instanceof CallError)) return error;
  const isFull = error.status === grpcStatus.resourceExhausted && error.message.includes('space exceeded');
  if (!isFull) return new StoreError('Commit', 'failed', error.message, { cause: error });
  const state = 'etcd has reached its quota; compact, defragment and disarm its alarm (etcdctl alarm disarm)';
  return new StoreError('Commit', 'full', state, { cause: error });
}

const uncertain = (cause: unknown) =>
  new StoreError('Commit', 'uncertain', `it may have been written (${messageOf(cause)})`, { cause });
