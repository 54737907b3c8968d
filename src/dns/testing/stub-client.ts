import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import dnsPacket, { type Answer, type DecodedPacket, type OptAnswer } from 'dns-packet';
import type { SocketAddress } from '../forward/mod.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';
import { optionOf, recordLine } from '../why/records.ts';

export interface Ask {
  readonly name: string;
  readonly type: string;
  /** Size in the OPT record; without it the question has none. */
  readonly ednsBytes?: number;
  readonly id?: number;
}

/** A query as a stub resolver sends it, made by another library than the one under test. */
export function encodeQuestion({ name, type, ednsBytes, id = 4711 }: Ask): Buffer {
  const opt = ednsBytes && ({ type: 'OPT', name: '.', udpPayloadSize: ednsBytes, flags: 0, options: [] } as const);
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: type as 'A', class: 'IN' }],
    ...(opt && { additionals: [opt as unknown as OptAnswer] }),
  });
}

export type Decoded = DecodedPacket & { readonly rcode: string; readonly flag_tc: boolean; readonly flag_aa: boolean };

/** The types of dns-packet leave out what it decodes from the flags. */
export const decode = (message: Uint8Array): Decoded => dnsPacket.decode(Buffer.from(message)) as Decoded;

/** Longer than any server takes, so that a question without an answer fails its test and no other. */
const patienceMs = 60_000;

/** Sends one datagram, from one of loopback's addresses if that matters, and resolves with the first one that comes back. */
export function exchangeUdp(at: SocketAddress, packet: Uint8Array, from?: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(at.address.includes(':') ? 'udp6' : 'udp4');
    const tooLong = setTimeout(
      () => socket.close(() => reject(new Error(`No answer in ${patienceMs} ms`))),
      patienceMs,
    );
    socket.once('error', reject);
    socket.once('message', (message) => {
      clearTimeout(tooLong);
      socket.close();
      resolve(message);
    });
    if (from === undefined) socket.send(packet, at.port, at.address);
    else socket.bind(0, from, () => socket.send(packet, at.port, at.address));
  });
}

/** Sends all packets in one write and resolves with as many answers, in the order in which they came. */
export function exchangeTcp(at: SocketAddress, ...packets: Uint8Array[]): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const answers: Buffer[] = [];
    const frames = new TcpFrames();
    const socket = connect(at.port, at.address, () => socket.write(Buffer.concat(packets.map(tcpFrame))));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`Closed after ${answers.length} answers`)));
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      for (let message = frames.next(); message; message = frames.next()) answers.push(message);
      if (answers.length < packets.length) return;
      resolve(answers);
      socket.destroy();
    });
  });
}

/** Records as a zone file has them: `web.default.svc.cluster.local. 5 IN A 10.96.1.1`; serial numbers are not compared. */
export const zoneLines = (records: readonly Answer[] | undefined): string[] =>
  (records ?? []).flatMap((record) => recordLine(record)?.replace(/(SOA \S+ \S+) \d+/, '$1 SERIAL') ?? []);

/** The sentence of the Extended DNS Error, if there is one, behind its code: `0 No namespace x`. */
export function extendedErrorOf(message: DecodedPacket): string | undefined {
  const data = optionOf(message, 15);
  return data && `${data.readUInt16BE(0)} ${data.toString('utf8', 2)}`;
}
