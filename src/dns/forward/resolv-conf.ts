import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { FollowedFile } from '../followed-file.ts';
import { parseResolvConf, socketAddressText, type UpstreamTarget } from './upstreams.ts';

export interface ResolvConfOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const pollMs = 5000;

/** The name servers of a resolv.conf file, as it stands now; none as long as it has never been read. */
export class ResolvConf {
  readonly #file: FollowedFile;
  #upstreams: readonly UpstreamTarget[] = [];

  constructor({ path, clock, log }: ResolvConfOptions) {
    this.#file = new FollowedFile({
      path,
      intervalMs: pollMs,
      clock,
      log,
      onText: (text) => {
        this.#upstreams = parseResolvConf(text);
        log.info('Read upstream resolvers', { path, resolvers: this.#upstreams.map(socketAddressText).join(',') });
      },
    });
  }

  get upstreams(): readonly UpstreamTarget[] {
    return this.#upstreams;
  }

  /** Resolves when the file has been read once, or cannot be. */
  start(): Promise<void> {
    return this.#file.start();
  }

  stop(): void {
    this.#file.stop();
  }
}
