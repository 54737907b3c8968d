import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { podsFolder } from '../runtime/process/pod-directory.ts';
import { defaultLimits, type RotationLimits, rotateLog } from './rotate.ts';

/** kubelet's containerLogMonitorInterval */
const intervalMs = 10_000;

/** Looks at all container logs now and then, and rotates those that have grown too long. */
export class LogKeeper {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stateDir: string;
  readonly #limits: RotationLimits;
  readonly #hopeless = new Set<string>();
  #cancel: Cancel;

  constructor(stateDir: string, clock: Clock, log: Logger, limits: RotationLimits = defaultLimits) {
    this.#stateDir = stateDir;
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
    this.#cancel = clock.schedule(intervalMs, () => this.#look());
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    for (const file of liveLogs(this.#stateDir)) if (!this.#hopeless.has(file)) this.#rotate(file);
    this.#cancel = this.#clock.schedule(intervalMs, () => this.#look());
  }

  #rotate(file: string): void {
    try {
      rotateLog(file, this.#limits);
    } catch (error) {
      this.#hopeless.add(file);
      this.#log.warn('A container log cannot be rotated and goes on growing', { file, because: messageOf(error) });
    }
  }
}

/** `pods/POD/CONTAINER/ATTEMPT.log` */
function liveLogs(stateDir: string): string[] {
  const pods = list(podsFolder(stateDir));
  const containers = pods.flatMap((pod) => list(pod));
  return containers.flatMap((container) => list(container)).filter((file) => /\/\d+\.log$/.test(file));
}

/** What is in the folder; nothing when it is none, or has just been removed. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}
