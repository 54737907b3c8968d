import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import { FollowedFile } from '../../followed-file.ts';
import { zoneKeys } from '../zones.ts';
import { HostNames } from './host-names.ts';

export interface HostsOptions {
  readonly path: string;
  readonly zones: readonly string[];
  /** `ADDRESS NAME...` lines; their addresses are given out behind the file's. */
  readonly inline: readonly string[];
  readonly ttlSeconds: number;
  readonly reverse: boolean;
  /** 0: the file is read once. */
  readonly reloadMs: number;
}

/** A hosts(5) file and the lines that the configuration has of its own, as they stand now. */
export class HostsFile {
  readonly #options: HostsOptions;
  readonly #file: FollowedFile;
  #names: HostNames;
  /** When the file that is in use was last changed; 0 while there has been none. */
  modifiedMs = 0;

  constructor(options: HostsOptions, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
    this.#names = this.#read('');
    this.#file = new FollowedFile({
      path: options.path,
      intervalMs: options.reloadMs,
      clock,
      log,
      onText: (text, modifiedMs) => {
        this.#names = this.#read(text);
        this.modifiedMs = modifiedMs;
        log.info('Read hosts', { path: options.path, entries: this.#names.entries });
      },
    });
  }

  get names(): HostNames {
    return this.#names;
  }

  start(): Promise<void> {
    return this.#file.start();
  }

  stop(): void {
    this.#file.stop();
  }

  #read(text: string): HostNames {
    const { zones, inline, ttlSeconds, reverse } = this.#options;
    return new HostNames([text, inline.join('\n')], { zones: zoneKeys(zones), ttlSeconds, reverse });
  }
}
