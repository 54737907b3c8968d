import { readFile, stat } from 'node:fs/promises';
import type { Cancel, Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

export interface FollowedFileOptions {
  readonly path: string;
  /** How soon a change is noticed; 0: the file is read once. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with what the file holds, when it is first read and whenever that has changed. */
  readonly onText: (text: string, modifiedMs: number) => void;
}

/**
 * A small file that something else keeps. It is read again and compared, not watched: in a Pod it is usually a symbolic
 * link whose target is replaced, which no watch on it reports. While it is missing, what was last read holds.
 */
export class FollowedFile {
  readonly #options: FollowedFileOptions;
  #text: string | undefined;
  #isMissing = false;
  #stopped = false;
  #cancel: Cancel = () => {};

  constructor(options: FollowedFileOptions) {
    this.#options = options;
  }

  /** Resolves when the file has been read once, or cannot be. */
  async start(): Promise<void> {
    const { intervalMs, clock } = this.#options;
    await this.#read();
    if (this.#stopped || intervalMs === 0) return;
    this.#cancel = clock.schedule(intervalMs, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #read(): Promise<void> {
    const { path, log, onText } = this.#options;
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      this.#isMissing = false;
      if (text === this.#text || this.#stopped) return;
      this.#text = text;
      onText(text, mtimeMs);
    } catch (error) {
      if (!this.#isMissing) log.warn('A file cannot be read', { path, error: messageOf(error) });
      this.#isMissing = true;
    }
  }
}
