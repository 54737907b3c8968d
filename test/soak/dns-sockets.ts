import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { listenOnBoth, TcpListener, UdpListener } from '../../src/dns/server/mod.ts';
import { tcpFrame } from '../../src/dns/tcp-frames.ts';
import { clusterResponder } from '../../src/dns/testing/cluster-responder.ts';
import { mutate, questions, randomFrom } from '../../src/dns/testing/mutations.ts';
import { decode, encodeQuestion, exchangeTcp, exchangeUdp } from '../../src/dns/testing/stub-client.ts';
import type { Soak } from './harness.ts';

/** Between them a client asks as clients should, and has to be answered. */
const packetsPerCheck = 100;

export const soak: Soak = {
  name: 'dns-sockets',
  description:
    'mutated datagrams and streams to the sockets of cluster DNS, beside a client that must have its answers',
  rounds: 100_000,

  async run({ seed, rounds, progress }) {
    const responder = clusterResponder();
    const { tcp, udp, bound } = await listenOnBoth(
      { address: '127.0.0.1', port: 0 },
      (at) =>
        new TcpListener({
          at,
          clock: systemClock,
          respond: (packet, client) => responder.respond(packet, { kind: 'tcp', maxUdpBytes: 1232 }, client),
        }),
      (at) =>
        new UdpListener({
          at,
          log: silentLogger,
          respond: (packet, client) => responder.respond(packet, { kind: 'udp', maxUdpBytes: 1232 }, client),
        }),
    );
    const random = randomFrom(seed);
    const socket = createSocket('udp4');
    let answers = 0;
    socket.on('message', () => answers++);
    try {
      for (let round = 0; round < rounds; round += packetsPerCheck) {
        if (round % 10_000 === 0) progress(`${round} of ${rounds}`);
        const packets = Array.from({ length: packetsPerCheck }, () =>
          mutate(questions[random(questions.length)]!, random),
        );
        for (const packet of packets) socket.send(packet, bound.port, bound.address);
        await sendStream(bound, mutate(Buffer.concat(packets.slice(0, 10).map(tcpFrame)), random), random);
        const question = encodeQuestion({ name: 'web.default.svc.cluster.local', type: 'A' });
        for (const answer of [await exchangeUdp(bound, question), ...(await exchangeTcp(bound, question))]) {
          assert.equal(decode(answer).rcode, 'NOERROR');
          assert.equal(decode(answer).answers?.length, 1);
        }
      }
      return { rounds, answers, connectionsLeft: tcp.connections };
    } finally {
      socket.close();
      await Promise.all([tcp.close(), udp.close()]);
    }
  },
};

/** In pieces of any size; then the end, or a reset in the middle of it. */
async function sendStream(
  { address, port }: { address: string; port: number },
  bytes: Buffer,
  random: (below: number) => number,
): Promise<void> {
  const stream = connect(port, address);
  stream.on('error', () => {});
  await once(stream, 'connect');
  const cut = random(bytes.length + 1);
  stream.write(bytes.subarray(0, cut));
  stream.resume();
  if (random(2) === 0) stream.resetAndDestroy();
  else stream.end(bytes.subarray(cut));
  if (!stream.closed) await once(stream, 'close');
}
