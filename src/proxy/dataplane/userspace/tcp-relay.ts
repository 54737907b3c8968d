import type { AddressInfo, Server, Socket } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { codeOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { Balancer } from './balancer.ts';
import { clientAddress } from './client-address.ts';
import { forwardBothWays } from './forward.ts';
import type { Sockets, Target } from './sockets.ts';

export interface RelayContext {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long each attempt may take, the next one with the next endpoint; upstream's endpointDialTimeouts. */
export const dialTimeoutsMs: readonly number[] = [250, 500, 1000, 2000];

/** Takes the connections of one port of a Service and passes them on to its endpoints. */
export class TcpRelay {
  readonly port: number;
  readonly #context: RelayContext;
  readonly #balancer: Balancer;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  /** Throws when no port can be had. */
  constructor(context: RelayContext, balancer: Balancer) {
    this.#context = context;
    this.#balancer = balancer;
    this.#server = context.sockets.listenTcp();
    this.port = (this.#server.address() as AddressInfo).port;
    this.#server.on('connection', (client) => this.#accept(client));
    // Out of descriptors: the client was turned away, and the next one may be luckier.
    this.#server.on('error', (error) => context.log.warn('Cannot accept a connection', { code: codeOf(error) }));
  }

  /** Connections that are open or being made. */
  get connections(): number {
    return this.#clients.size;
  }

  /** Takes no more connections; those that are open go on to their end. */
  close(): void {
    this.#server.close();
  }

  /** Resets what is open. */
  abort(): void {
    this.close();
    for (const client of this.#clients) client.resetAndDestroy();
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    // Its end shows as `close`; what there is to do about it is done there.
    client.on('error', () => {});
    this.#dial(client, clientAddress(client.remoteAddress), new Set());
  }

  /** The next endpoint is tried when one refuses or does not answer in time. */
  #dial(client: Socket, address: string, failed: Set<Target>, attempt = 0): void {
    if (client.destroyed) return;
    const timeoutMs = dialTimeoutsMs[attempt];
    const target = this.#balancer.choose(address, failed);
    if (timeoutMs === undefined || target === undefined) {
      client.resetAndDestroy();
      return;
    }
    this.#connect(target, timeoutMs, client, (error) => {
      this.#context.log.debug('Endpoint does not answer', { ...target, code: codeOf(error) });
      failed.add(target);
      // Without a descriptor left, no other endpoint would answer either.
      if (isOutOfDescriptors(error)) client.resetAndDestroy();
      else this.#dial(client, address, failed, attempt + 1);
    });
  }

  #connect(target: Target, timeoutMs: number, client: Socket, onFailure: (error: Error) => void): void {
    const { clock, sockets } = this.#context;
    const endpoint = sockets.connectTcp(target);
    const cancelTimeout = clock.schedule(timeoutMs, () => endpoint.destroy(new Error('timeout')));
    const giveUp = () => endpoint.destroy();
    client.once('close', giveUp);
    endpoint.once('connect', () => {
      cancelTimeout();
      client.off('close', giveUp);
      endpoint.off('error', fail);
      forwardBothWays(client, endpoint);
    });
    const fail = (error: Error) => {
      cancelTimeout();
      client.off('close', giveUp);
      onFailure(error);
    };
    endpoint.once('error', fail);
    endpoint.once('close', cancelTimeout);
  }
}

const isOutOfDescriptors = (error: Error): boolean => ['EMFILE', 'ENFILE'].includes(codeOf(error) ?? '');
