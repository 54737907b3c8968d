import { createSocket } from 'node:dgram';
import { type AddressInfo, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import dnsPacket, { type DecodedPacket, type OptAnswer } from 'dns-packet';
import type { SocketAddress } from '../forward/mod.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';

export interface UpstreamQuestion {
  readonly packet: Buffer;
  readonly decoded: DecodedPacket;
  readonly overTcp: boolean;
  /** The port that it came from. */
  readonly fromPort: number;
  reply(message: Uint8Array): void;
}

export interface FakeUpstream extends SocketAddress {
  readonly questions: readonly UpstreamQuestion[];
}

/** A resolver on loopback that behaves as the test says; closed with the test. */
export async function fakeUpstream(
  t: TestContext,
  behave: (question: UpstreamQuestion) => void,
): Promise<FakeUpstream> {
  const questions: UpstreamQuestion[] = [];
  const take = (packet: Buffer, fromPort: number, overTcp: boolean, reply: (message: Uint8Array) => void) => {
    const question = { packet, decoded: dnsPacket.decode(packet), overTcp, fromPort, reply };
    questions.push(question);
    behave(question);
  };
  const tcp = createServer((socket) => {
    const frames = new TcpFrames();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      const packet = frames.next();
      if (packet) take(packet, socket.remotePort ?? 0, true, (message) => socket.write(tcpFrame(message)));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  udp.on('message', (packet, from) =>
    take(packet, from.port, false, (message) => udp.send(message, from.port, from.address)),
  );
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  t.after(() => {
    udp.close();
    tcp.close();
  });
  return { address: '127.0.0.1', port, questions };
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
