import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { type HttpListener, listenHttp, type Pages } from '../../base/http-listener.ts';
import type { Logger } from '../../base/log.ts';
import type { HostPort } from '../corefile/mod.ts';

/** The HTTP servers for `/health`, `/ready` and `/metrics`, wherever the configuration of the moment wants them. */
export class PageServers {
  readonly #dependencies: { readonly clock: Clock; readonly log: Logger };
  readonly #servers = new Map<string, { listener: HttpListener; pages: Pages[] }>();

  constructor(dependencies: { readonly clock: Clock; readonly log: Logger }) {
    this.#dependencies = dependencies;
  }

  /** Directives that name the same address share it. */
  async configure(wanted: readonly { readonly at: HostPort; readonly pages: Pages }[]): Promise<void> {
    const pagesByPlace = Map.groupBy(wanted, ({ at }) => placeOf(at));
    const gone = [...this.#servers].filter(([place]) => !pagesByPlace.has(place));
    for (const [place] of gone) this.#servers.delete(place);
    for (const [place, group] of pagesByPlace) {
      const pages = group.map((one) => one.pages);
      const known = this.#servers.get(place);
      if (known) known.pages = pages;
      else this.#servers.set(place, this.#open(group[0]!.at, pages));
    }
    await Promise.all(gone.map(([, { listener }]) => listener.close()));
  }

  /** The port, once it is had, of the server for this address. */
  portOf(at: HostPort): Promise<number> | undefined {
    return this.#servers.get(placeOf(at))?.listener.listening;
  }

  async close(): Promise<void> {
    await this.configure([]);
  }

  #open(at: HostPort, pages: Pages[]): { listener: HttpListener; pages: Pages[] } {
    const { clock, log } = this.#dependencies;
    const server = { pages } as { listener: HttpListener; pages: Pages[] };
    server.listener = listenHttp({
      ...at,
      clock,
      log,
      pages: async (path) => {
        for (const find of server.pages) {
          const page = await find(path);
          if (page) return page;
        }
        return undefined;
      },
      onFailure: (error, failures) => {
        if (failures === 1)
          log.warn('A server cannot have its address yet', { at: placeOf(at), error: messageOf(error) });
      },
    });
    return server;
  }
}

const placeOf = ({ host, port }: HostPort): string => `${host}:${port}`;
