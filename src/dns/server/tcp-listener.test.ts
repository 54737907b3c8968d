import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';
import { exchangeTcp } from '../testing/stub-client.ts';
import { until } from '../testing/until.ts';
import type { Reply } from './responder.ts';
import { type TcpLimits, TcpListener } from './tcp-listener.ts';

async function listener(
  t: TestContext,
  respond: (packet: Buffer) => Reply | Promise<Reply>,
  limits: Partial<TcpLimits> = {},
) {
  const clock = new ManualClock();
  const tcp = new TcpListener({ at: { address: '127.0.0.1', port: 0 }, respond, clock, limits });
  const at = await tcp.listen();
  t.after(async () => {
    const closed = tcp.close();
    await clock.advance(1000);
    await closed;
  });
  const open = async (): Promise<Socket> => {
    const socket = connect(at.port, at.address);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { tcp, at, clock, open };
}

const text = (buffers: Buffer[]) => buffers.map(String);

test('questions in one write are all answered, each when its answer is ready', async (t) => {
  const slow = Promise.withResolvers<Buffer>();
  const { at } = await listener(t, (packet) => {
    if (String(packet) === 'slow') return slow.promise;
    if (String(packet) === 'fast') slow.resolve(Buffer.from('slow'));
    return packet;
  });
  const answers = await exchangeTcp(at, Buffer.from('slow'), Buffer.from('fast'));
  assert.deepEqual(text(answers), ['fast', 'slow']);
});

test('a question may come byte by byte', async (t) => {
  const { open } = await listener(t, (packet) => packet);
  const socket = await open();
  socket.setNoDelay(true);
  const frames = new TcpFrames();
  const answered = new Promise<Buffer>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      const message = frames.next();
      if (message) resolve(message);
    });
  });
  for (const byte of tcpFrame(Buffer.from('bytes')))
    await new Promise((done) => socket.write(Uint8Array.of(byte), done));
  assert.equal(String(await answered), 'bytes');
});

test('a client that has closed its half still gets the answer', async (t) => {
  const asked = Promise.withResolvers<void>();
  const late = Promise.withResolvers<Buffer>();
  const { open } = await listener(t, () => {
    asked.resolve();
    return late.promise;
  });
  const socket = await open();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.end(tcpFrame(Buffer.from('question')));
  await asked.promise;
  late.resolve(Buffer.from('late'));
  await once(socket, 'end');
  assert.deepEqual(Buffer.concat(chunks), tcpFrame(Buffer.from('late')));
});

test('an idle connection is closed, one that asks is not', async (t) => {
  const { open, clock, at, tcp } = await listener(t, (packet) => packet, { idleMs: 1000 });
  const idle = await open();
  const closed = once(idle, 'close');
  idle.resume();
  await clock.advance(600);
  await exchangeTcp(at, Buffer.from('hello'));
  await until(() => tcp.connections === 1);
  await clock.advance(400);
  await closed;
  await until(() => tcp.connections === 0);
  assert.equal(clock.pendingTimers, 0);
});

test('connections over the limit are closed, those under it live', async (t) => {
  const { open, at, tcp } = await listener(t, (packet) => packet, { connections: 2 });
  const first = await open();
  await open();
  const third = connect(at.port, at.address);
  third.on('error', () => {});
  await once(third, 'close');
  assert.equal(tcp.connections, 2);
  first.destroy();
  await until(() => tcp.connections === 1);
  assert.deepEqual(text(await exchangeTcp(at, Buffer.from('again'))), ['again']);
});

test('one connection cannot have more questions open than it may', async (t) => {
  let open = 0;
  let most = 0;
  const { at } = await listener(
    t,
    async (packet) => {
      most = Math.max(most, ++open);
      await new Promise(setImmediate);
      open--;
      return packet;
    },
    { pendingQueries: 3 },
  );
  const packets = Array.from({ length: 200 }, (_, index) => Buffer.from(String(index)));
  const answers = await exchangeTcp(at, ...packets);
  assert.equal(new Set(text(answers)).size, 200);
  assert.equal(most, 3);
});

test('a client that takes no answers is not read any further', async (t) => {
  let asked = 0;
  const { open } = await listener(
    t,
    () => {
      asked++;
      return Buffer.alloc(60_000);
    },
    { unsentBytes: 100_000 },
  );
  const socket = await open();
  socket.pause();
  socket.write(Buffer.concat(Array.from({ length: 2000 }, () => tcpFrame(Buffer.from('q')))));
  let before = -1;
  for (let quiet = 0; quiet < 20; quiet = asked === before ? quiet + 1 : 0) {
    before = asked;
    await new Promise(setImmediate);
  }
  assert.ok(asked > 0 && asked < 2000, `${asked} taken`);
});

test('a close waits for the answer to whoever has had none, and for a question only so long', async (t) => {
  const slow = Promise.withResolvers<Buffer>();
  const { tcp, clock, open } = await listener(t, (packet) => (String(packet) === 'slow' ? slow.promise : packet));
  const [asking, silent, idle] = [await open(), await open(), await open()];
  const taken: Buffer[] = [];
  asking.on('data', (chunk: Buffer) => taken.push(chunk));
  idle.write(tcpFrame(Buffer.from('fast')));
  await once(idle, 'data');
  asking.write(tcpFrame(Buffer.from('slow')));
  await until(() => tcp.connections === 3);
  const ended = { asking: once(asking, 'close'), idle: once(idle, 'close'), silent: once(silent, 'close') };
  const closed = tcp.close();
  await ended.idle;
  assert.equal(tcp.connections, 2);
  slow.resolve(Buffer.from('slow'));
  await ended.asking;
  assert.equal(String(Buffer.concat(taken).subarray(2)), 'slow');
  await clock.advance(1000);
  await ended.silent;
  await closed;
});
