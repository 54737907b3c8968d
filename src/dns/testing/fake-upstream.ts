import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import dnsPacket, { type DecodedPacket, type OptAnswer } from 'dns-packet';
import { codeOf } from '../../base/errors.ts';
import type { SocketAddress } from '../forward/mod.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';

export interface UpstreamQuestion {
  readonly packet: Buffer;
  readonly decoded: DecodedPacket;
  readonly overTcp: boolean;
  /** The port that it came from. */
  readonly fromPort: number;
  /** Which connection it came on, from 1; 0 for a datagram. */
  readonly connection: number;
  reply(message: Uint8Array): void;
  /** Breaks off the connection that it came on. */
  hangUp(): void;
}

interface FakeUpstreamOptions extends Partial<SocketAddress> {
  /** DNS over TLS is spoken on its TCP port. */
  readonly tls?: TlsOptions;
}

/** A port that is free for TCP may be somebody's for UDP. */
const mostTries = 10;

type Behaviour = (question: UpstreamQuestion) => void;

/** A resolver on loopback that behaves as the test says; closed with the test. */
export class FakeUpstream implements SocketAddress {
  readonly address: string;
  /** But for health checks. */
  readonly questions: UpstreamQuestion[] = [];
  readonly checks: UpstreamQuestion[] = [];
  port: number;
  connections = 0;
  /** For each connection over TLS, whether it went on with an earlier session. */
  readonly resumed: boolean[] = [];
  readonly #behave: Behaviour;
  readonly #tls: TlsOptions | undefined;
  readonly #sockets = new Set<Socket>();
  #tcp: Server | undefined;
  #udp: UdpSocket | undefined;

  constructor(behave: Behaviour, { address = '127.0.0.1', port = 0, tls }: FakeUpstreamOptions) {
    this.address = address;
    this.port = port;
    this.#behave = behave;
    this.#tls = tls;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** On the port that it had before, if it had one; else on one that is free for TCP and for UDP. */
  async start(): Promise<void> {
    const wanted = this.port;
    for (let tries = 1; ; tries++) {
      try {
        await this.#open();
        return;
      } catch (error) {
        await this.stop();
        if (wanted !== 0 || codeOf(error) !== 'EADDRINUSE' || tries === mostTries) throw error;
        this.port = 0;
      }
    }
  }

  async #open(): Promise<void> {
    const tcp = this.#tls ? createTlsServer(this.#tls) : createServer();
    tcp.on(this.#tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#serve(socket));
    tcp.on('tlsClientError', () => {});
    this.#tcp = tcp;
    await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(this.port, this.address, resolve));
    this.port = (tcp.address() as AddressInfo).port;
    const udp = createSocket('udp4');
    udp.on('message', (packet, from) =>
      this.#take(packet, {
        overTcp: false,
        fromPort: from.port,
        connection: 0,
        reply: (message) => this.#udp?.send(message, from.port, from.address),
        hangUp: () => {},
      }),
    );
    this.#udp = udp;
    await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(this.port, this.address, resolve));
  }

  /** As if its process had ended: ports closed, connections broken off. */
  async stop(): Promise<void> {
    const [tcp, udp] = [this.#tcp, this.#udp];
    this.#tcp = this.#udp = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([
      tcp && new Promise<void>((resolve) => tcp.close(() => resolve())),
      udp && new Promise<void>((resolve) => udp.close(resolve)),
    ]);
  }

  #serve(socket: Socket): void {
    const connection = ++this.connections;
    const frames = new TcpFrames();
    this.#sockets.add(socket);
    if (socket instanceof TLSSocket) this.resumed.push(socket.isSessionReused());
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      for (let packet = frames.next(); packet; packet = frames.next()) {
        this.#take(packet, {
          overTcp: true,
          fromPort: socket.remotePort ?? 0,
          connection,
          reply: (message) => void socket.write(tcpFrame(message)),
          hangUp: () => socket.destroy(),
        });
      }
    });
  }

  #take(packet: Buffer, from: Omit<UpstreamQuestion, 'packet' | 'decoded'>): void {
    const question = { packet, decoded: dnsPacket.decode(packet), ...from };
    const { name, type } = question.decoded.questions![0]!;
    (name === '.' && type === 'NS' ? this.checks : this.questions).push(question);
    this.#behave(question);
  }
}

export async function fakeUpstream(
  t: TestContext,
  behave: Behaviour,
  options: FakeUpstreamOptions = {},
): Promise<FakeUpstream> {
  const upstream = new FakeUpstream(behave, options);
  await upstream.start();
  t.after(() => upstream.stop());
  return upstream;
}

interface AnswerShape {
  readonly id?: number;
  readonly name?: string;
  readonly rcode?: number;
  readonly truncated?: boolean;
  readonly addresses?: readonly string[];
  readonly withOpt?: boolean;
}

/** A well-made answer to `question` but for what `shape` says. */
export function answerTo({ decoded }: UpstreamQuestion, shape: AnswerShape = {}): Buffer {
  const asked = decoded.questions![0]!;
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as unknown as OptAnswer;
  return dnsPacket.encode({
    type: 'response',
    id: shape.id ?? decoded.id!,
    flags:
      dnsPacket.RECURSION_DESIRED |
      dnsPacket.RECURSION_AVAILABLE |
      (shape.truncated ? dnsPacket.TRUNCATED_RESPONSE : 0) |
      (shape.rcode ?? 0),
    questions: [{ ...asked, name: shape.name ?? asked.name }],
    answers: (shape.addresses ?? []).map((data) => ({ name: asked.name, type: 'A', ttl: 60, class: 'IN', data })),
    additionals: (shape.withOpt ?? true) ? [opt] : [],
  });
}
