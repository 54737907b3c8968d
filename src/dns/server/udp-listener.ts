import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { codeOf, messageOf, OperatingError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import {
  type DatagramAddress,
  type DatagramSocket,
  type ListenAddress,
  openDatagrams,
  socketAddress,
} from '../../kernel/mod.ts';
import { type SocketAddress, socketAddressText } from '../forward/mod.ts';
import type { Reply, Respond } from './responder.ts';

export interface UdpListenerOptions {
  readonly at: ListenAddress;
  readonly respond: Respond;
  readonly log: Logger;
  /** A socket that is taken from by the batch; where there is none (`unsupported`), node:dgram does it all. */
  readonly openDatagrams?: (at: ListenAddress, receiveBufferBytes: number) => DatagramSocket;
}

/** Room for the burst that comes when many Pods start at once; the kernel's default holds about 250 queries. */
const receiveBufferBytes = 4 * 1024 * 1024;
/** What the kernel has no room for is queued up to here, and lost beyond. */
const mostUnsentBytes = 1024 * 1024;
/** More than the receive buffer holds: a small datagram takes about 800 bytes of it. */
const fullBufferBatches = Math.ceil(receiveBufferBytes / 800 / 64);
/** Batches in one turn of the event loop: about a millisecond, then TCP and the cluster's changes have theirs. */
const batchesPerTurn = 4;

/**
 * One UDP socket; answers leave from the address that was asked, as the kernel and the clients' NAT demand.
 *
 * node:dgram brings one datagram in each turn of the event loop; those that came with it are taken and answered by the batch
 * (docs/decisions/0019). It is also who sends what does not go by the batch.
 */
export class UdpListener {
  readonly #options: UdpListenerOptions;
  #socket: Socket | undefined;
  #batches: DatagramSocket | undefined;
  #batchesLeft = batchesPerTurn;

  constructor(options: UdpListenerOptions) {
    this.#options = options;
  }

  /** Resolves with the bound address. Rejects with OperatingError. */
  listen(): Promise<SocketAddress> {
    const { at, log } = this.#options;
    return new Promise((resolve, reject) => {
      const failed = (error: unknown) =>
        reject(
          new OperatingError(
            `Listen on UDP ${socketAddressText(at)}`,
            codeOf(error) ?? 'unknown',
            messageOf(error),
            error,
          ),
        );
      const socket = createSocket({
        type: at.address.includes(':') ? 'udp6' : 'udp4',
        // Replies go to the address that a datagram came from: never a name, so there is nothing to look up.
        lookup: (address, _options, callback) => callback(null, address, address.includes(':') ? 6 : 4),
      });
      socket.once('error', failed);
      const ready = () => {
        socket.off('error', failed);
        socket.on('error', (error) => log.warn('UDP socket failed', { error: messageOf(error) }));
        socket.on('message', (packet, from) => this.#receive(packet, from));
        this.#socket = socket;
        resolve({ address: at.address, port: socket.address().port });
      };
      try {
        this.#batches = this.#open();
      } catch (error) {
        socket.close();
        failed(error);
        return;
      }
      if (this.#batches) socket.bind({ fd: this.#batches.descriptor }, ready);
      else {
        socket.bind(at.port, at.address, () => {
          this.#enlargeBuffer(socket);
          ready();
        });
      }
    });
  }

  /** What has come in is answered first: from then on it comes to whoever else listens there. */
  close(): Promise<void> {
    const socket = this.#socket;
    this.#leave();
    // The descriptor is gone then, and its number may be another socket's.
    this.#batches = undefined;
    this.#socket = undefined;
    return new Promise((resolve) => (socket ? socket.close(() => resolve()) : resolve()));
  }

  #leave(): void {
    const batches = this.#batches;
    if (!batches) return;
    batches.leave();
    for (let left = fullBufferBatches; left > 0; left--) {
      const count = batches.receive();
      if (count <= 0) return;
      for (let place = 0; place < count; place++) this.#answer(place);
      this.#flush();
    }
  }

  #open(): DatagramSocket | undefined {
    const { at, log, openDatagrams: open = openDatagrams } = this.#options;
    // The interface of a link-local address is node:dgram's to find.
    if (at.address.includes('%')) return undefined;
    try {
      return open(at, receiveBufferBytes);
    } catch (error) {
      if (codeOf(error) !== 'unsupported') throw error;
      log.debug('Datagrams are taken one by one', { because: messageOf(error) });
      return undefined;
    }
  }

  #receive(packet: Buffer, from: RemoteInfo): void {
    // Port 0 cannot be answered: only a forged packet has it.
    if (from.port !== 0) {
      const reply = this.#options.respond(packet, from);
      if (reply instanceof Promise) void this.#sendLater(reply, from);
      else if (reply) this.#send(reply, from);
    }
    this.#receiveBatches();
  }

  async #sendLater(pending: Promise<Reply>, to: DatagramAddress): Promise<void> {
    const reply = await pending;
    if (reply) this.#send(reply, to);
    this.#flush();
  }

  #send(reply: Buffer, to: DatagramAddress): void {
    const isScoped = to.address.includes('%');
    if (isScoped || !this.#batches?.queueTo(reply, socketAddress(to.address, to.port))) this.#sendAlone(reply, to);
  }

  /** What has come in meanwhile, as far as this turn of the event loop goes. */
  #receiveBatches(): void {
    while (this.#batches && this.#batchesLeft > 0) {
      this.#takeTurn();
      const count = this.#batches.receive();
      if (count < 0) this.#giveUpBatches(count);
      for (let place = 0; place < count; place++) this.#answer(place);
      this.#flush();
      if (!this.#batches?.isFull(count)) return;
    }
    this.#flush();
  }

  #takeTurn(): void {
    if (this.#batchesLeft-- === batchesPerTurn) setImmediate(() => (this.#batchesLeft = batchesPerTurn));
  }

  #answer(place: number): void {
    const batches = this.#batches;
    const from = batches?.sender(place);
    if (!batches || !from || from.port === 0) return;
    const reply = this.#options.respond(batches.packet(place), from);
    if (reply instanceof Promise) void this.#answerLater(reply, batches.keep(place), from);
    else if (reply && !batches.queue(reply, place)) this.#sendAlone(reply, from);
  }

  async #answerLater(pending: Promise<Reply>, to: Uint8Array, from: DatagramAddress): Promise<void> {
    const reply = await pending;
    if (!reply) return;
    if (!this.#batches?.queueTo(reply, to)) this.#sendAlone(reply, from);
    this.#flush();
  }

  #flush(): void {
    this.#batches?.flush((bytes, to) => this.#sendAlone(Buffer.from(bytes), to));
  }

  #sendAlone(reply: Buffer, { address, port }: DatagramAddress): void {
    const socket = this.#socket;
    if (!socket || socket.getSendQueueSize() > mostUnsentBytes) return;
    try {
      socket.send(reply, 0, reply.length, port, address, ignoreLoss);
    } catch {
      // The socket was closed while a resolver was asked.
    }
  }

  /** A kernel or a filter of system calls that does not have them. */
  #giveUpBatches(error: number): void {
    this.#options.log.warn('Datagrams cannot be taken by the batch, going on one by one', { errno: -error });
    this.#flush();
    this.#batches = undefined;
  }

  #enlargeBuffer(socket: Socket): void {
    try {
      socket.setRecvBufferSize(receiveBufferBytes);
    } catch (error) {
      this.#options.log.debug('UDP receive buffer stays small', { error: messageOf(error) });
    }
  }
}

/** A datagram that cannot be sent is lost like any other; without a callback it would be an error of the socket. */
const ignoreLoss = () => {};
