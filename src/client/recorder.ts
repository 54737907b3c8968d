import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { Event, type KubeObject } from '../kube/port.ts';
import { isNotFound } from './errors.ts';
import type { Client } from './port.ts';

/** Tells users what happened to an object: the Events of `kubectl describe`. Never throws, never waits. */
export interface Recorder {
  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves when all that was recorded so far is written or given up. */
  flush(): Promise<void>;
}

export interface RecorderOptions {
  readonly client: Client;
  /** `signalbox-proxy` */
  readonly component: string;
  /** The node, for a component that runs on one. */
  readonly host?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Events waiting to be written; beyond it new ones are dropped, as they come from something that goes in circles. */
const longestQueue = 1000;
/** How many different events are remembered to be counted up instead of written anew (client-go's LRU has 4096). */
const rememberedEvents = 4096;

interface Written {
  readonly name: string;
  count: number;
}

/** The same event about the same object again raises `count` and `lastTimestamp` of the one that is there. */
export function createRecorder(options: RecorderOptions): Recorder {
  return new QueueingRecorder(options);
}

class QueueingRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #written = new Map<string, Written>();
  #queued = 0;
  #tail: Promise<void> = Promise.resolve();
  #sequence = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { log, clock } = this.#options;
    if (this.#queued >= longestQueue) {
      log.debug('Event dropped', { reason });
      return;
    }
    this.#queued++;
    const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    this.#tail = this.#tail
      .then(() => this.#write(about, type, reason, message, time))
      .catch((error) => log.debug('Event not written', { reason, because: messageOf(error) }))
      .then(() => {
        this.#queued--;
      });
  }

  flush(): Promise<void> {
    return this.#tail;
  }

  async #write(about: KubeObject, type: string, reason: string, message: string, time: string): Promise<void> {
    const key = [about.kind, about.metadata.uid || about.metadata.name, type, reason, message].join('\n');
    const known = this.#written.get(key);
    if (known && (await this.#countUp(about, known, time))) return;
    const name = `${about.metadata.name}.${this.#uniqueSuffix()}`;
    await this.#options.client.create(Event, this.#eventOf(about, { name, type, reason, message, time }));
    this.#remember(key, { name, count: 1 });
  }

  /** False: the event is gone (events are short-lived), so that it must be written anew. */
  async #countUp(about: KubeObject, known: Written, lastTimestamp: string): Promise<boolean> {
    const body = { count: known.count + 1, lastTimestamp };
    try {
      await this.#options.client.patch(Event, known.name, { type: 'merge', body }, { namespace: namespaceOf(about) });
      known.count++;
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  #eventOf(about: KubeObject, event: { name: string; type: string; reason: string; message: string; time: string }) {
    const { component, host } = this.#options;
    const { namespace, name, uid, resourceVersion } = about.metadata;
    const { apiVersion, kind } = about;
    return {
      metadata: { name: event.name, namespace: namespaceOf(about) },
      involvedObject: {
        apiVersion,
        kind,
        name,
        uid,
        resourceVersion,
        ...(namespace === undefined ? {} : { namespace }),
      },
      type: event.type,
      reason: event.reason,
      // Upstream's validation refuses longer ones (pkg/apis/core/validation/events.go).
      message: event.message.slice(0, 1024),
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: event.time,
      lastTimestamp: event.time,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    if (this.#written.size <= rememberedEvents) return;
    const oldest = this.#written.keys().next().value!;
    this.#written.delete(oldest);
  }

  /** As upstream: the time in hexadecimal nanoseconds, here made unique within the process. */
  #uniqueSuffix(): string {
    this.#sequence = (this.#sequence + 1) % 1_000_000;
    return (BigInt(this.#options.clock.now()) * 1_000_000n + BigInt(this.#sequence)).toString(16);
  }
}

/** Events about cluster-scoped objects live in `default`. */
const namespaceOf = (about: KubeObject): string => about.metadata.namespace ?? 'default';
