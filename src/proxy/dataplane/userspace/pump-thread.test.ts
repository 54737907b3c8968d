import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { PumpThread } from './pump-thread.ts';
import { TcpRelay } from './tcp-relay.ts';

const count = (folder: string): number => readdirSync(`/proc/self/${folder}`).length;

async function connects(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('close', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}

/** Everything that comes is sent back at once, so that both directions are always busy. */
function echo(socket: Socket): void {
  socket.on('error', () => {});
  socket.on('data', (data) => socket.write(data));
}

test('A thread that is ended amid its work is gone when that is told, with its sockets and pipes', async (t) => {
  const server = createServer(echo).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const cycle = async () => {
    const pump = new PumpThread({ netns: undefined, connectionsLimit: 100 });
    const relay = new TcpRelay(pump, 'IPv4', undefined);
    relay.update([{ address: '127.0.0.1', port }], undefined);
    const clients = Array.from({ length: 8 }, () => connect(relay.port, '127.0.0.1'));
    for (const client of clients) {
      client.write(Buffer.alloc(100_000));
      echo(client);
    }
    await Promise.all(clients.map((client) => once(client, 'data')));
    const closed = clients.map((client) => new Promise((resolve) => client.once('close', resolve)));
    await pump.end();
    await Promise.all(closed);
  };
  // What Node.js and the C library open at their first use stays open.
  await cycle();
  const [threads, descriptors] = [count('task'), count('fd')];
  for (let i = 0; i < 10; i++) await cycle();
  assert.ok(count('task') <= threads, `${count('task')} threads after ${threads}`);
  const settled = Date.now() + 30_000;
  // The server's ends of the connections are Node's to close.
  while (count('fd') > descriptors && Date.now() < settled) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(count('fd'), descriptors);
});

test('A thread that drains takes nobody new, and ends when those that it has have ended', async (t) => {
  const server = createServer(echo).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const pump = new PumpThread({ netns: undefined, connectionsLimit: 100 });
  const relay = new TcpRelay(pump, 'IPv4', undefined);
  relay.update([{ address: '127.0.0.1', port: (server.address() as AddressInfo).port }], undefined);
  const client = connect(relay.port, '127.0.0.1');
  const answer = async (text: string) => {
    client.write(text);
    return String((await once(client, 'data'))[0]);
  };
  assert.equal(await answer('before'), 'before');
  relay.close();
  pump.drain();
  // The order takes a moment; whoever comes before it is served.
  while (await connects(relay.port));
  assert.equal(await answer('after'), 'after');
  const threads = count('task');
  client.destroy();
  const deadline = Date.now() + 30_000;
  while (count('task') >= threads && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(count('task') < threads);
  await pump.end();
});

test('Ending what never began, and ending twice, is over at once', async () => {
  const pump = new PumpThread({ netns: undefined, connectionsLimit: 1 });
  await pump.end();
  new TcpRelay(pump, 'IPv4', undefined).close();
  await pump.end();
  await pump.end();
});
