import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import dnsPacket, { type OptAnswer } from 'dns-packet';
import type { Clock } from '../../base/clock.ts';
import { messageOf, OperatingError } from '../../base/errors.ts';
import { extendedErrorOption, originOption } from '../../wire/dns/mod.ts';
import { type SocketAddress, socketAddressText } from '../forward/mod.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';
import { optionOf, recordLine } from './records.ts';
import type { Asked, Outcome } from './report.ts';

export interface AskOptions {
  readonly clock: Clock;
  /** In [0, 65536). */
  readonly newId: () => number;
  /** How long each name server is waited for, each time. */
  readonly timeoutMs: number;
}

/** A lost datagram is no verdict: each server gets two, as resolver libraries do it (resolv.conf's `attempts`). */
const attempts = 2;
const ednsBytes = 1232;

/** Asks the name servers in turn, as a resolver library does: the next one after silence, SERVFAIL, NOTIMP and REFUSED. */
export async function askInTurn(
  name: string,
  type: string,
  servers: readonly SocketAddress[],
  options: AskOptions,
): Promise<Asked> {
  const asked: Asked[] = [];
  for (const server of servers) {
    const one = await askOne(name, type, server, options);
    asked.push(one);
    if (isConclusive(one)) break;
  }
  const last = asked.findLast(({ outcome }) => outcome !== 'silent') ?? asked.at(-1);
  if (!last) return { type, outcome: 'silent', server: 'nobody', records: [], reason: 'no name server is known' };
  const before = asked
    .filter((one) => one !== last)
    .map(({ server, rcode, reason }) => `${server}: ${rcode ?? reason}`);
  return { ...last, ...(before.length > 0 && { before }) };
}

const isConclusive = ({ outcome }: Asked): boolean => outcome !== 'silent' && outcome !== 'failed';

async function askOne(name: string, type: string, server: SocketAddress, options: AskOptions): Promise<Asked> {
  const packet = encodeQuestion(name, type, options.newId());
  const common = { type, server: socketAddressText(server), records: [] };
  let failure = '';
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      return { ...common, ...(await exchange(server, packet, type, options)) };
    } catch (error) {
      failure = messageOf(error);
    }
  }
  return { ...common, outcome: 'silent', reason: failure };
}

async function exchange(server: SocketAddress, packet: Buffer, type: string, options: AskOptions) {
  const overUdp = await exchangeUdp(server, packet, options);
  if (!isTruncated(overUdp)) return { transport: 'udp', ...read(overUdp, type) } as const;
  return { transport: 'tcp', ...read(await exchangeTcp(server, packet, options), type) } as const;
}

const isTruncated = (message: Buffer): boolean => (message.readUInt16BE(2) & 0x0200) !== 0;

/** Also for what another server of ours says to the same packet. */
export function read(message: Buffer, type: string) {
  const decoded = dnsPacket.decode(message) as dnsPacket.DecodedPacket & { readonly rcode: string };
  const answers = decoded.answers ?? [];
  const data = optionOf(decoded, extendedErrorOption);
  const error = data && data.length >= 2 ? { code: data.readUInt16BE(0), text: textOf(data.subarray(2)) } : undefined;
  const origin = optionOf(decoded, originOption);
  const hasRecords = answers.some((record) => type === 'ANY' || record.type === type);
  return {
    outcome: outcomeOf(decoded.rcode, hasRecords),
    rcode: decoded.rcode,
    records: answers.flatMap((record) => recordLine(record) ?? []),
    ...(origin && { origin: origin.toString('utf8') }),
    ...(error && { extendedError: error }),
  };
}

/** A server may end it with NUL (RFC 8914 section 2). */
const textOf = (data: Buffer): string => data.toString('utf8').replace(/\0+$/, '');

function outcomeOf(rcode: string, hasRecords: boolean): Outcome {
  if (rcode === 'NXDOMAIN') return 'no-name';
  if (rcode !== 'NOERROR') return 'failed';
  return hasRecords ? 'found' : 'no-record';
}

export function encodeQuestion(name: string, type: string, id: number): Buffer {
  const options = [{ code: originOption, data: Buffer.alloc(0) }];
  const opt = { type: 'OPT', name: '.', udpPayloadSize: ednsBytes, flags: 0, options } as unknown as OptAnswer;
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: type as 'A', class: 'IN' }],
    additionals: [opt],
  });
}

/** The socket is connected: a closed port is told at once, and nobody else can answer. */
function exchangeUdp(server: SocketAddress, packet: Buffer, { clock, timeoutMs }: AskOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
    const settle = (end: () => void) => {
      cancel();
      socket.removeAllListeners();
      // What comes late is nothing to fail on.
      socket.on('error', () => {});
      socket.close();
      end();
    };
    const cancel = clock.schedule(timeoutMs, () => settle(() => reject(silence(server, timeoutMs))));
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('message', (message) => {
      if (isAnswerTo(message, packet)) settle(() => resolve(message));
    });
    socket.connect(server.port, server.address, (error?: Error) => {
      if (error) settle(() => reject(error));
      else socket.send(packet);
    });
  });
}

function exchangeTcp(server: SocketAddress, packet: Buffer, { clock, timeoutMs }: AskOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const frames = new TcpFrames();
    const socket = connect({ host: server.address, port: server.port });
    const settle = (end: () => void) => {
      cancel();
      socket.destroy();
      end();
    };
    const cancel = clock.schedule(timeoutMs, () => settle(() => reject(silence(server, timeoutMs))));
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('close', () =>
      settle(() => reject(new OperatingError('Ask over TCP', 'closed', 'the connection was closed without an answer'))),
    );
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      const message = frames.next();
      if (message && isAnswerTo(message, packet)) settle(() => resolve(message));
    });
    socket.write(tcpFrame(packet));
  });
}

const isAnswerTo = (message: Buffer, packet: Buffer): boolean =>
  message.length >= 12 && message.readUInt16BE(0) === packet.readUInt16BE(0) && (message[2]! & 0x80) !== 0;

const silence = (server: SocketAddress, timeoutMs: number) =>
  new OperatingError(`Ask ${socketAddressText(server)}`, 'timeout', `no answer in ${timeoutMs} ms`);
