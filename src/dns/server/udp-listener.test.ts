import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { OperatingError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { openDatagrams, socketAddress } from '../../kernel/mod.ts';
import { until } from '../testing/until.ts';
import type { Respond } from './responder.ts';
import { UdpListener, type UdpListenerOptions } from './udp-listener.ts';

type Open = NonNullable<UdpListenerOptions['openDatagrams']>;

const unsupported: Open = () => {
  throw new OperatingError('Load the system call interface', 'unsupported', 'a test has none');
};
/** The same, with calls that a test has fail. */
const withCalls =
  (instead: Parameters<typeof openDatagrams>[2]): Open =>
  (at, bytes) =>
    openDatagrams(at, bytes, instead);

const errnos = { again: 11, noSuchCall: 38 } as const;

async function listening(t: TestContext, respond: Respond, open: Open, address = '127.0.0.1') {
  const listener = new UdpListener({
    at: { address, port: 0 },
    respond,
    log: silentLogger,
    openDatagrams: open,
  });
  const at = await listener.listen();
  t.after(() => listener.close());
  return { listener, at };
}

/** A client that collects what it is sent. */
async function client(t: TestContext, address = '127.0.0.1') {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  t.after(() => socket.close());
  const received: string[] = [];
  socket.on('message', (message) => received.push(String(message)));
  return { socket, received };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, number) => String(number));
const sorted = (texts: readonly string[]): string[] => texts.toSorted((one, other) => Number(one) - Number(other));
const echo: Respond = (packet) => Buffer.from(packet);

const implementations: readonly (readonly [title: string, open: Open])[] = [
  ['by the batch', openDatagrams],
  ['one by one', unsupported],
  ['by the batch, with a send buffer that is always full', withCalls({ sendmmsg: () => -errnos.again })],
  ['one by one, since the kernel knows no batches', withCalls({ recvmmsg: () => -errnos.noSuchCall })],
];

for (const [title, open] of implementations) {
  for (const address of ['127.0.0.1', '::1']) {
    test(`${title}, ${address}: everybody gets the answers to his questions`, async (t) => {
      const { at } = await listening(t, echo, open, address);
      const clients = [await client(t, address), await client(t, address), await client(t, address)];
      for (const number of numbers(200)) for (const { socket } of clients) socket.send(number, at.port, at.address);
      await until(() => clients.every(({ received }) => received.length === 200));
      for (const { received } of clients) assert.deepEqual(sorted(received), numbers(200));
    });
  }

  test(`${title}: an answer that takes its time still has its question, and overtakes nobody's bytes`, async (t) => {
    const waiting: (() => void)[] = [];
    const answerLater: Respond = (packet) =>
      Number(String(packet)) % 3 === 0
        ? new Promise((resolve) => waiting.push(() => resolve(Buffer.from(packet))))
        : Buffer.from(packet);
    const { at } = await listening(t, answerLater, open);
    const { socket, received } = await client(t);
    for (const number of numbers(300)) socket.send(number, at.port, at.address);
    await until(() => received.length === 200 && waiting.length === 100);
    for (const go of waiting) go();
    await until(() => received.length === 300);
    assert.deepEqual(sorted(received), numbers(300));
  });

  test(`${title}: who is told nothing costs nobody else his answer`, async (t) => {
    const { at } = await listening(t, (packet) => (String(packet) === '7' ? undefined : Buffer.from(packet)), open);
    const { socket, received } = await client(t);
    for (const number of numbers(20)) socket.send(number, at.port, at.address);
    await until(() => received.length === 19);
    assert.deepEqual(
      sorted(received),
      numbers(20).filter((number) => number !== '7'),
    );
  });

  test(`${title}: answers of every size`, async (t) => {
    const sizes = [1, 512, 1232, 4096, 4097, 20_000];
    const { at } = await listening(t, (packet) => Buffer.alloc(sizes[Number(String(packet))]!, 'x'), open);
    const { socket, received } = await client(t);
    for (const number of numbers(sizes.length)) socket.send(number, at.port, at.address);
    await until(() => received.length === sizes.length);
    assert.deepEqual(
      received.map(({ length }) => length).sort((one, other) => one - other),
      sizes,
    );
  });

  test(`${title}: closed while it answers, it answers no more and lets go of its port`, async (t) => {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    let asked = 0;
    const listener = new UdpListener({
      at: { address: '127.0.0.1', port: 0 },
      log: silentLogger,
      openDatagrams: open,
      respond: () => {
        asked++;
        return promise;
      },
    });
    const at = await listener.listen();
    const { socket, received } = await client(t);
    for (const number of numbers(5)) socket.send(number, at.port, at.address);
    await until(() => asked === 5);
    await listener.close();
    const after = await client(t);
    resolve(Buffer.from('late'));
    await promise;
    // Had the socket's number been used again, this one would have sent it.
    const next = await listening(t, echo, open);
    after.socket.send('next', next.at.port, next.at.address);
    await until(() => after.received.length === 1);
    assert.deepEqual(received, []);
    const again = new UdpListener({ at, log: silentLogger, openDatagrams: open, respond: echo });
    assert.deepEqual(await again.listen(), at);
    await again.close();
  });

  test(`${title}: an address that is taken`, async (t) => {
    const { at } = await listening(t, echo, open);
    const second = new UdpListener({ at, log: silentLogger, openDatagrams: open, respond: echo });
    await assert.rejects(second.listen(), { code: 'EADDRINUSE', operation: `Listen on UDP 127.0.0.1:${at.port}` });
    await second.close();
  });
}

test('A client that is gone costs nothing: an ICMP error is no answer and no failure', async (t) => {
  const { at } = await listening(t, echo, openDatagrams);
  const gone = createSocket('udp4');
  gone.bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address();
  const sent = new Promise((resolve) => gone.send('0', at.port, at.address, resolve));
  await sent;
  gone.close();
  const { socket, received } = await client(t);
  assert.notEqual(socket.address().port, port);
  for (const number of numbers(50)) socket.send(number, at.port, at.address);
  await until(() => received.length === 50);
});

test('A flood takes its share of a turn of the event loop, and timers and TCP have theirs', async (t) => {
  let batches = 0;
  let turns = 0;
  const most: number[] = [];
  const real = await client(t);
  const endless: Open = (at, bytes) => {
    const socket = openDatagrams(at, bytes);
    return Object.assign(Object.create(socket), {
      descriptor: socket.descriptor,
      port: socket.port,
      receive: () => {
        batches++;
        return 64;
      },
      packet: () => Buffer.from('x'),
      sender: () => ({ address: '127.0.0.1', port: 9 }),
      isFull: () => true,
      queue: () => true,
      queueTo: () => true,
      flush: () => {},
      leave: () => {},
    });
  };
  const { at } = await listening(t, echo, endless);
  const tick = () => {
    most.push(batches);
    batches = 0;
    if (++turns < 50) setImmediate(tick);
  };
  setImmediate(tick);
  for (const number of numbers(1000)) real.socket.send(number, at.port, at.address);
  await until(() => turns === 50);
  assert.ok(Math.max(...most) > 0, 'batches were taken');
  assert.ok(Math.max(...most) <= 8, `at most two turns' share between two ticks: ${most}`);
});

test('what has come in before the close is answered', async (t) => {
  const { listener, at } = await listening(t, echo, openDatagrams);
  const asking = openDatagrams({ address: '127.0.0.1', port: 0 }, 1 << 20);
  t.after(() => closeSync(asking.descriptor));
  // All of it within one turn of the event loop: nothing has been read yet when the listener is closed.
  for (const number of numbers(60)) asking.queueTo(Buffer.from(number), socketAddress(at.address, at.port));
  asking.flush(() => assert.fail('there is room'));
  const closed = listener.close();
  const count = asking.receive();
  const texts = Array.from({ length: Math.max(0, count) }, (_, place) => String(asking.packet(place)));
  assert.deepEqual(texts, numbers(60));
  await closed;
});
