import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { messageOf, OperatingError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type SocketAddress, socketAddressText } from '../forward/mod.ts';
import type { Reply, Respond } from './responder.ts';

export interface UdpListenerOptions {
  readonly at: SocketAddress;
  readonly respond: Respond;
  readonly log: Logger;
}

/** Room for the burst that comes when many Pods start at once; the kernel's default holds about 250 queries. */
const receiveBufferBytes = 4 * 1024 * 1024;

/** One UDP socket; answers leave from the address that was asked, as the kernel and the clients' NAT demand. */
export class UdpListener {
  readonly #options: UdpListenerOptions;
  readonly #socket: Socket;

  constructor(options: UdpListenerOptions) {
    this.#options = options;
    this.#socket = createSocket({
      type: options.at.address.includes(':') ? 'udp6' : 'udp4',
      // Replies go to the address that a datagram came from: never a name, so there is nothing to look up.
      lookup: (address, _options, callback) => callback(null, address, address.includes(':') ? 6 : 4),
    });
  }

  /** Resolves with the bound address. Rejects with OperatingError. */
  listen(): Promise<SocketAddress> {
    const { at, log } = this.#options;
    return new Promise((resolve, reject) => {
      const failed = (error: Error & { code?: string }) =>
        reject(
          new OperatingError(`Listen on UDP ${socketAddressText(at)}`, error.code ?? 'unknown', error.message, error),
        );
      this.#socket.once('error', failed);
      this.#socket.bind(at.port, at.address, () => {
        this.#socket.off('error', failed);
        this.#socket.on('error', (error) => log.warn('UDP socket failed', { error: messageOf(error) }));
        this.#socket.on('message', (packet, from) => this.#receive(packet, from));
        this.#enlargeBuffer();
        resolve({ address: at.address, port: this.#socket.address().port });
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #receive(packet: Buffer, from: RemoteInfo): void {
    const reply = this.#options.respond(packet, from);
    if (reply instanceof Promise) void this.#sendLater(reply, from);
    else this.#send(reply, from);
  }

  async #sendLater(pending: Promise<Reply>, from: RemoteInfo): Promise<void> {
    this.#send(await pending, from);
  }

  #send(reply: Reply, from: RemoteInfo): void {
    // Port 0 cannot be answered: only a forged packet has it.
    if (from.port === 0 || !reply) return;
    try {
      this.#socket.send(reply, 0, reply.length, from.port, from.address, ignoreLoss);
    } catch {
      // The socket was closed while a resolver was asked.
    }
  }

  #enlargeBuffer(): void {
    try {
      this.#socket.setRecvBufferSize(receiveBufferBytes);
    } catch (error) {
      this.#options.log.debug('UDP receive buffer stays small', { error: messageOf(error) });
    }
  }
}

/** A datagram that cannot be sent is lost like any other; without a callback it would be an error of the socket. */
const ignoreLoss = () => {};
