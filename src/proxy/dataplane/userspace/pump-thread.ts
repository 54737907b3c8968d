import { closeSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { codeOf } from '../../../base/errors.ts';
import { openPipe, type PipeEnds } from '../../../kernel/mod.ts';
import type { Target } from './target.ts';

/** What the thread is told, in order. Listening sockets are the thread's to close. */
export type PumpOrder =
  | { readonly do: 'open'; readonly descriptor: number }
  | {
      readonly do: 'update';
      readonly descriptor: number;
      readonly targets: readonly Target[];
      readonly affinitySeconds: number | undefined;
    }
  | { readonly do: 'close'; readonly descriptor: number }
  /** Ends when nothing is open any more. */
  | { readonly do: 'drain' }
  /** Resets what is open, and ends. */
  | { readonly do: 'end' };

/** What the thread is made with. */
export interface PumpSetup {
  readonly netns: string | undefined;
  readonly connectionsLimit: number;
  /** Readable when there are orders. */
  readonly wake: number;
  /** One number: connections that are open or being made. */
  readonly counters: Int32Array<SharedArrayBuffer>;
}

export interface PumpThreadOptions {
  readonly netns: string | undefined;
  readonly connectionsLimit: number;
}

/**
 * The thread that relays all TCP connections (see `Pump`): it sleeps in epoll_wait(2), which Node's own event loop has no
 * room for. Started with the first order. That it ends by an error is a mistake of ours and ends the process.
 */
export class PumpThread {
  readonly #options: PumpThreadOptions;
  readonly #counters = new Int32Array(new SharedArrayBuffer(4));
  #running: { readonly worker: Worker; readonly wake: PipeEnds } | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: PumpThreadOptions) {
    this.#options = options;
  }

  /** Open, or being made. */
  get connections(): number {
    return Atomics.load(this.#counters, 0);
  }

  order(order: PumpOrder): void {
    this.#running ??= this.#start();
    const { worker, wake } = this.#running;
    worker.postMessage(order);
    wakeUp(wake.write);
  }

  /** The last order: the thread ends with the last connection. */
  drain(): void {
    if (this.#running) this.order({ do: 'drain' });
  }

  /**
   * Resets all connections. Resolves when the thread has come out of the kernel and is gone: what it works with must not go
   * before it, and a process that ends should wait for it.
   */
  end(): Promise<void> {
    if (this.#running) {
      this.#running.worker.ref();
      this.order({ do: 'end' });
    }
    this.#running = undefined;
    return this.#ended;
  }

  #start(): { worker: Worker; wake: PipeEnds } {
    const wake = openPipe();
    const workerData: PumpSetup = { ...this.#options, wake: wake.read, counters: this.#counters };
    const worker = new Worker(new URL('./programs/pump.ts', import.meta.url), { workerData });
    // Connections do not keep a process alive that has nothing else to do.
    worker.unref();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    worker.on('exit', () => {
      closeSync(wake.read);
      closeSync(wake.write);
      if (this.#running?.worker === worker) this.#running = undefined;
      resolve();
    });
    return { worker, wake };
  }
}

function wakeUp(descriptor: number): void {
  try {
    writeSync(descriptor, '!');
  } catch (error) {
    // The pipe is full of earlier calls.
    if (codeOf(error) !== 'EAGAIN') throw error;
  }
}
