import { isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ListenAddress } from '../../kernel/mod.ts';
import { safeUdpBytes } from '../../wire/dns/mod.ts';
import { type SocketAddress, socketAddressText } from '../forward/mod.ts';
import { listenOnBoth, type Responder, TcpListener, UdpListener } from '../server/mod.ts';

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** What answers at one address. */
export interface Answering {
  readonly at: SocketAddress;
  readonly responder: Responder;
  readonly maxUdpBytes: number;
}

interface Slot {
  /** Replaced by a reload while the sockets stay as they are, so that no packet in them is lost. */
  answering: Answering;
  readonly bound: SocketAddress;
  close(): Promise<void>;
}

interface ListenerDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Beside a server that has the addresses already, and is to end. */
  readonly takeOver?: boolean | undefined;
}

/** The sockets of all server blocks: which there are follows the configuration, those that stay are never closed. */
export class ListenerSet {
  readonly #slots = new Map<string, Slot>();
  readonly #dependencies: ListenerDependencies;

  constructor(dependencies: ListenerDependencies) {
    this.#dependencies = dependencies;
  }

  get addresses(): SocketAddress[] {
    return [...this.#slots.values()].map(({ bound }) => bound);
  }

  /** Where it is listened at in truth, as port 0 leaves that to the kernel. Undefined: not yet, or no more. */
  boundAt(at: SocketAddress): SocketAddress | undefined {
    return this.#slots.get(socketAddressText(at))?.bound;
  }

  /** New sockets are opened before anything else changes: when one cannot be had, all stays as it was. */
  async configure(wanted: readonly Answering[]): Promise<void> {
    const opened = new Map<string, Slot>();
    try {
      for (const answering of wanted) {
        const key = socketAddressText(answering.at);
        if (!this.#slots.has(key)) opened.set(key, await open(answering, this.#dependencies));
      }
    } catch (error) {
      await Promise.all([...opened.values()].map((slot) => slot.close()));
      throw error;
    }
    for (const [key, slot] of opened) this.#slots.set(key, slot);
    for (const answering of wanted) this.#slots.get(socketAddressText(answering.at))!.answering = answering;
    const keys = new Set(wanted.map(({ at }) => socketAddressText(at)));
    const gone = [...this.#slots].filter(([key]) => !keys.has(key));
    for (const [key] of gone) this.#slots.delete(key);
    await Promise.all(gone.map(([, slot]) => slot.close()));
  }

  async close(): Promise<void> {
    await this.configure([]);
  }
}

async function open(answering: Answering, { clock, log, takeOver }: ListenerDependencies): Promise<Slot> {
  const slot: { answering: Answering } = { answering };
  const transports = new Map<
    number,
    { udp: { kind: 'udp'; maxUdpBytes: number }; tcp: { kind: 'tcp'; maxUdpBytes: number } }
  >();
  const transport = () => {
    const { maxUdpBytes } = slot.answering;
    let pair = transports.get(maxUdpBytes);
    if (!pair) {
      pair = { udp: { kind: 'udp', maxUdpBytes }, tcp: { kind: 'tcp', maxUdpBytes } };
      transports.set(maxUdpBytes, pair);
    }
    return pair;
  };
  const createTcp = (at: ListenAddress) =>
    new TcpListener({
      at,
      clock,
      respond: (packet, client) => slot.answering.responder.respondInStream(packet, transport().tcp, client),
    });
  const createUdp = (at: ListenAddress) =>
    new UdpListener({
      at,
      log,
      respond: (packet, client) => slot.answering.responder.respond(packet, transport().udp, client),
    });
  const { tcp, udp, bound } = await listenOnBoth({ ...answering.at, takeOver }, createTcp, createUdp);
  return Object.assign(slot, {
    bound,
    async close() {
      await Promise.all([tcp.close(), udp.close()]);
    },
  });
}

export const defaultUdpBytes = safeUdpBytes;

/**
 * Where a block listens: at the addresses and interfaces of its `bind`, else at every address of the machine, one socket
 * each, so that answers leave from the address that was asked. Throws UsageError.
 */
export function listenAddresses(bind: readonly string[] | undefined, interfaces: Interfaces): string[] {
  if (!bind) return everyAddress(interfaces);
  return bind.flatMap((place) => {
    if (place === '0.0.0.0') return everyAddress(interfaces).filter((address) => !address.includes(':'));
    if (place === '::') return everyAddress(interfaces);
    if (isIP(place) !== 0) return [place];
    const found = interfaces[place];
    if (!found)
      throw new UsageError('Read Corefile', `bind: ${JSON.stringify(place)} is neither an address nor an interface`);
    return found.map((info) => addressOf(place, info));
  });
}

/** Link-local addresses but those that `bind` names: no client has them from its resolv.conf. */
const everyAddress = (interfaces: Interfaces): string[] =>
  Object.values(interfaces)
    .flatMap((infos) => (infos ?? []).map(({ address }) => address))
    .filter((address) => !address.startsWith('fe80:'));

const addressOf = (name: string, { address }: NetworkInterfaceInfo): string =>
  address.startsWith('fe80:') ? `${address}%${name}` : address;
