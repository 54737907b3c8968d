import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { type Informer, isConflict, isNotFound, isUnreachable } from '../../client/mod.ts';
import type { KubeObject } from '../../kube/mod.ts';
import type { ControllerContext } from './context.ts';
import { OwnWrites } from './own-writes.ts';

export interface LoopOptions {
  /** For the log: `deployment`. */
  readonly name: string;
  /** Brings what the key names to its wanted state; called again until it does not reject. */
  readonly sync: (key: string) => Promise<void>;
  /** Keys worked on at once; default 8. */
  readonly workers?: number;
}

/** How long after its own write a key is looked at again, should no event of it come (see OwnWrites). */
const unseenWriteRetryMs = 1000;

/** A controller's queue, whose keys are worked on only from a view that shows what the last work on them wrote. */
export class ControllerLoop {
  readonly #queue: WorkQueue;
  readonly #ownWrites = new OwnWrites();
  readonly #log: Logger;

  constructor({ clock, log }: ControllerContext, { name, sync, workers }: LoopOptions) {
    this.#log = log.with({ controller: name });
    this.#queue = new WorkQueue({
      clock,
      ...(workers === undefined ? {} : { workers }),
      work: async (key) => {
        if (this.#ownWrites.areVisible(key)) await sync(key);
        else this.#queue.addAfter(key, unseenWriteRetryMs);
      },
      onFailure: (key, error, failures, retryMs) => this.#report(key, error, failures, retryMs),
    });
  }

  add(key: string): void {
    this.#queue.add(key);
  }

  addAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Work on `key` wrote `object`, and goes on when the informer shows it. */
  wrote<S extends KubeObject>(key: string, informer: Informer<S>, object: S): S {
    this.#ownWrites.note(key, informer, object.metadata.resourceVersion);
    return object;
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** Losing a race is everyday work; what goes on failing is somebody's business. */
  #report(key: string, error: unknown, failures: number, retryMs: number): void {
    const isExpected = isConflict(error) || isNotFound(error) || (isUnreachable(error) && failures < 5);
    const fields = { key, failures, retryMs, because: messageOf(error) };
    if (isExpected) this.#log.debug('Trying again', fields);
    else this.#log.warn('Trying again', fields);
  }
}
