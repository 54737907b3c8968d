import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OperatingError } from '../../base/errors.ts';
import { createServer } from '../../base/node-http.ts';
import { type SocketAddress, socketAddressText } from '../forward/mod.ts';

export interface ProbeServerOptions {
  readonly at: SocketAddress;
  /** `/health` or `/ready` */
  readonly path: string;
  /** Undefined: all is well; else what is not, in a few words. */
  readonly complaint: () => string | undefined;
}

/** Answers a kubelet's HTTP probe as CoreDNS does: 200 `OK`, or 503 and why. */
export class ProbeServer {
  readonly #options: ProbeServerOptions;
  readonly #server: Server;

  constructor(options: ProbeServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      if (request.url?.split('?')[0] !== options.path) return response.writeHead(404).end('Not found\n');
      const complaint = options.complaint();
      return response.writeHead(complaint ? 503 : 200, { 'content-type': 'text/plain' }).end(complaint ?? 'OK');
    });
  }

  /** Resolves with the bound address. Rejects with OperatingError. */
  listen(): Promise<SocketAddress> {
    const { at, path } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: Error & { code?: string }) => {
        const operation = `Listen for ${path} on ${socketAddressText(at)}`;
        reject(new OperatingError(operation, error.code ?? 'unknown', error.message, error));
      });
      this.#server.listen(at.port, at.address, () => {
        resolve({ address: at.address, port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
