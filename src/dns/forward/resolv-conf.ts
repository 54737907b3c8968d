import { readFile } from 'node:fs/promises';
import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { parseResolvConf, socketAddressText, type UpstreamTarget } from './upstreams.ts';

export interface ResolvConfOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * How soon a change of the file is noticed. It is read again and compared, not watched: it is usually a symbolic link
 * whose target is replaced, which no watch on it reports.
 */
const pollMs = 5000;

/** The name servers of a resolv.conf file, as it stands now. */
export class ResolvConf {
  readonly #options: ResolvConfOptions;
  #text: string | undefined;
  #upstreams: readonly UpstreamTarget[] = [];
  #cancelPoll: Cancel | undefined;
  #stopped = false;

  constructor(options: ResolvConfOptions) {
    this.#options = options;
  }

  get upstreams(): readonly UpstreamTarget[] {
    return this.#upstreams;
  }

  /** Resolves when the file has been read once; a file that cannot be read counts as without name servers. */
  async start(): Promise<void> {
    await this.#read();
    if (this.#stopped) return;
    this.#cancelPoll = this.#options.clock.schedule(pollMs, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelPoll?.();
  }

  async #read(): Promise<void> {
    const { path, log } = this.#options;
    try {
      const text = await readFile(path, 'utf8');
      if (text === this.#text) return;
      this.#text = text;
      this.#upstreams = parseResolvConf(text);
      log.info('Read upstream resolvers', { path, resolvers: this.#upstreams.map(socketAddressText).join(',') });
    } catch (error) {
      // The last known resolvers stay: the file is missing for a moment whenever something rewrites it.
      if (this.#text !== '') log.warn('Upstream resolvers cannot be read', { path, error: messageOf(error) });
      this.#text = '';
    }
  }
}
