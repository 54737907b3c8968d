import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ManualClock, systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { createStreamSystem, listenStream, StreamError, type StreamSystem } from '../../../kernel/mod.ts';
import { Balancer } from './balancer.ts';
import { Pump } from './pump.ts';
import { createSockets } from './sockets.ts';
import type { Target } from './target.ts';
import { UdpRelay } from './udp-relay.ts';

const address = '127.0.0.1';

/** An endpoint on this machine that does with each connection as told. */
async function endpoint(t: TestContext, onConnection: (socket: Socket) => void): Promise<Target> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return { address, port: (server.address() as AddressInfo).port };
}

/** A port on which nobody listens. */
async function refusing(): Promise<Target> {
  const server: Server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { address, port };
}

interface RelayOptions {
  readonly affinitySeconds?: number;
  readonly clock?: ManualClock;
  readonly connectionsLimit?: number;
  readonly pipesLimit?: number;
  /** System calls that are to do something else. */
  readonly calls?: (system: StreamSystem) => Partial<StreamSystem>;
}

class Relay {
  readonly port: number;
  readonly #descriptor: number;
  readonly #pump: Pump;

  constructor(pump: Pump, balancer: Balancer) {
    const { descriptor, port } = listenStream('IPv4');
    this.port = port;
    this.#descriptor = descriptor;
    this.#pump = pump;
    pump.open(descriptor, balancer);
  }

  get connections(): number {
    return this.#pump.connections;
  }

  close(): void {
    this.#pump.close(this.#descriptor);
  }
}

/** The pump shares this test's thread, and has a turn in each turn of its event loop. */
function relayTo(t: TestContext, targets: readonly Target[], options: RelayOptions = {}): Relay {
  const { clock = systemClock, affinitySeconds, connectionsLimit = 1000, pipesLimit = 8, calls = () => ({}) } = options;
  const balancer = new Balancer(clock);
  balancer.update(targets, affinitySeconds);
  const real = createStreamSystem();
  const pump = new Pump({ system: { ...real, ...calls(real) }, clock, connectionsLimit, pipesLimit });
  const relay = new Relay(pump, balancer);
  let turn = setImmediate(function again() {
    pump.turn(0);
    turn = setImmediate(again);
  });
  t.after(() => {
    clearImmediate(turn);
    pump.end();
  });
  return relay;
}

function client(t: TestContext, { port }: { port: number }, options: { allowHalfOpen?: boolean } = {}): Socket {
  const socket = connect({ host: address, port, allowHalfOpen: true, ...options });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** Until the other side ends; not by iteration, which would destroy the socket then. */
async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  await once(socket, 'end');
  return text;
}

const saying = (t: TestContext, name: string) => endpoint(t, (socket) => socket.end(name));

/** Names of the endpoints that so many connections in a row meet. */
async function ask(t: TestContext, relay: Relay, times: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < times; i++) {
    const socket = client(t, relay);
    names.push(await textOf(socket));
    socket.end();
  }
  return names;
}

test('Connections go round the endpoints', async (t) => {
  const relay = relayTo(t, [await saying(t, 'a'), await saying(t, 'b'), await saying(t, 'c')]);
  assert.deepEqual(await ask(t, relay, 6), ['a', 'b', 'c', 'a', 'b', 'c']);
});

test('With affinity a client comes back to its endpoint', async (t) => {
  const relay = relayTo(t, [await saying(t, 'a'), await saying(t, 'b')], { affinitySeconds: 10 });
  assert.deepEqual(await ask(t, relay, 4), ['a', 'a', 'a', 'a']);
});

test('An endpoint that refuses is passed over, each connection finds the next one', async (t) => {
  const relay = relayTo(t, [await refusing(), await saying(t, 'b'), await refusing(), await saying(t, 'd')]);
  assert.deepEqual(await ask(t, relay, 4), ['b', 'd', 'b', 'd']);
});

test('When affinity leads to an endpoint that refuses, the client gets another for good', async (t) => {
  const relay = relayTo(t, [await refusing(), await saying(t, 'b'), await saying(t, 'c')], { affinitySeconds: 10 });
  assert.deepEqual(await ask(t, relay, 3), ['b', 'b', 'b']);
});

test('An endpoint that does not answer is given up after 0.25, 0.5, 1 and 2 seconds', async (t) => {
  const clock = new ManualClock();
  const dialled: [port: number, atMs: number][] = [];
  const relay = relayTo(
    t,
    [1, 2, 3].map((port) => ({ address, port })),
    { clock, calls: silent },
  );
  function silent({ watch }: StreamSystem): Partial<StreamSystem> {
    const silenced = new Set<number>();
    return {
      connect(to) {
        dialled.push([Buffer.from(to).readUInt16BE(2), clock.monotonicMs()]);
        // A descriptor of which no event is ever heard: as if its SYN were lost.
        const descriptor = openSync('/dev/null', 'r');
        silenced.add(descriptor);
        return descriptor;
      },
      watch: (descriptor) => (silenced.delete(descriptor) ? 0 : watch(descriptor)),
    };
  }
  const socket = client(t, relay);
  const failure = once(socket, 'error');
  await once(socket, 'connect');
  while (dialled.length === 0) await new Promise(setImmediate);
  for (const ms of [250, 500, 1000, 2000]) {
    await clock.advance(ms);
    await new Promise(setImmediate);
  }
  const [error] = await failure;
  assert.equal(error.code, 'ECONNRESET');
  assert.deepEqual(dialled, [
    [1, 0],
    [2, 250],
    [3, 750],
    [1, 1750],
  ]);
  assert.equal(clock.pendingTimers, 0);
});

test('Without an endpoint, or with none that answers, the client is reset', async (t) => {
  for (const targets of [[], [await refusing()]]) {
    const socket = client(t, relayTo(t, targets));
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNRESET');
  }
});

test('Each side may end alone: what the other still says arrives', async (t) => {
  const target = await endpoint(t, async (socket) => {
    const text = await textOf(socket);
    socket.end(`after the end: ${text}`);
  });
  const socket = client(t, relayTo(t, [target]));
  socket.end('question');
  assert.equal(await textOf(socket), 'after the end: question');

  const ended = Promise.withResolvers<string>();
  const talker = await endpoint(t, (other) => {
    other.end('goodbye');
    void textOf(other).then(ended.resolve);
  });
  const relay = relayTo(t, [talker]);
  const listener = client(t, relay);
  assert.equal(await textOf(listener), 'goodbye');
  listener.end('still here');
  assert.equal(await ended.promise, 'still here');
  await until(() => relay.connections === 0);
});

test('A reset on one side resets the other', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const target = await endpoint(t, (socket) => {
    socket.resume();
    accepted.resolve(socket);
  });
  const relay = relayTo(t, [target]);
  const first = client(t, relay);
  first.write('x');
  const server = await accepted.promise;
  await once(server, 'data');
  const reset = once(server, 'error');
  first.resetAndDestroy();
  assert.equal((await reset)[0].code, 'ECONNRESET');
  await until(() => relay.connections === 0);
});

test('An endpoint that dies in mid-stream resets its client', async (t) => {
  const target = await endpoint(t, (socket) => void socket.write('first half', () => socket.resetAndDestroy()));
  const relay = relayTo(t, [target]);
  const socket = client(t, relay).resume();
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
  await until(() => relay.connections === 0);
});

test('An endpoint that takes nothing stops its client, with few bytes in between', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const target = await endpoint(t, (socket) => accepted.resolve(socket.pause()));
  const socket = client(t, relayTo(t, [target]));
  const chunk = Buffer.alloc(1 << 20);
  let sent = 0;
  const total = 64;
  const write = () => {
    while (sent < total) {
      sent += 1;
      if (!socket.write(chunk)) return;
    }
    socket.end();
  };
  socket.on('drain', write);
  write();
  const server = await accepted.promise;
  // It has come to rest when nothing has moved for some turns of the event loop.
  let [still, written] = [0, -1];
  while (still < 50) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    still = socket.bytesWritten === written ? still + 1 : 0;
    written = socket.bytesWritten;
  }
  assert.ok(sent < total, 'the client was stopped');

  let received = 0;
  server.on('data', (data: Buffer) => {
    received += data.length;
  });
  server.resume();
  await once(server, 'end');
  assert.equal(received, total << 20);
});

test('A relay that is closed takes no more connections and lets open ones finish', async (t) => {
  const target = await endpoint(t, (socket) =>
    socket.on('data', (data) => socket.write(data)).on('end', () => socket.end()),
  );
  const relay = relayTo(t, [target]);
  const open = client(t, relay);
  open.write('one');
  await once(open, 'data');
  relay.close();
  const [error] = await once(client(t, relay), 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  open.write('two');
  assert.equal(String((await once(open, 'data'))[0]), 'two');
  open.end();
  await until(() => relay.connections === 0);
});

test('Out of descriptors, the client is reset and no endpoint is blamed', async (t) => {
  let attempts = 0;
  const connect = () => {
    attempts += 1;
    return StreamError.outOfDescriptors;
  };
  const relay = relayTo(t, [await saying(t, 'a'), await saying(t, 'b')], { calls: () => ({ connect }) });
  const [error] = await once(client(t, relay), 'error');
  assert.equal(error.code, 'ECONNRESET');
  assert.equal(attempts, 1);
});

test('Out of room, clients wait until others have ended', async (t) => {
  const target = await endpoint(t, (socket) =>
    socket.on('data', (data) => socket.write(data)).on('end', () => socket.end()),
  );
  const relay = relayTo(t, [target], { connectionsLimit: 2 });
  const clients = [client(t, relay), client(t, relay), client(t, relay)];
  for (const socket of clients) socket.write('hello');
  await Promise.all([once(clients[0]!, 'data'), once(clients[1]!, 'data')]);
  assert.equal(relay.connections, 2);
  assert.equal(clients[2]!.bytesRead, 0);
  clients[0]!.end();
  assert.equal(String((await once(clients[2]!, 'data'))[0]), 'hello');
});

test('More slow receivers than pipes: nobody waits for another, and no byte is lost', async (t) => {
  const size = 32 << 20;
  const content = Buffer.alloc(size, 'signalbox ');
  const accepted: Socket[] = [];
  const target = await endpoint(t, (socket) => accepted.push(socket.pause()));
  const relay = relayTo(t, [target], { pipesLimit: 1 });
  const clients = [client(t, relay), client(t, relay), client(t, relay)];
  for (const socket of clients) socket.end(content);
  await until(() => accepted.length === 3 && clients.every(({ bytesWritten }) => bytesWritten > 1 << 20));
  const received = await Promise.all(
    accepted.reverse().map(async (socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (data: Buffer) => parts.push(data)).resume();
      await once(socket, 'end');
      return Buffer.concat(parts);
    }),
  );
  for (const bytes of received) assert.ok(bytes.equals(content));
});

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

interface UdpEndpoint {
  readonly socket: UdpSocket;
  readonly target: Target;
}

async function udpEndpoint(t: TestContext, name: string): Promise<UdpEndpoint> {
  const socket = createSocket('udp4');
  socket.on('message', (data, { port, address: from }) => socket.send(`${name} ${data}`, port, from));
  socket.bind(0, address);
  await once(socket, 'listening');
  t.after(() => void closeQuietly(socket));
  return { socket, target: { address, port: socket.address().port } };
}

function closeQuietly(socket: UdpSocket): void {
  try {
    socket.close();
  } catch {
    // Closed by the test itself.
  }
}

interface UdpOptions {
  readonly idleMs?: number;
  readonly sessionsLimit?: number;
}

function udpRelayTo(t: TestContext, targets: readonly Target[], options: UdpOptions = {}) {
  const clock = new ManualClock();
  const balancer = new Balancer(clock);
  balancer.update(targets, undefined);
  const relay = new UdpRelay({ sockets: createSockets(), clock, log: silentLogger }, balancer, 'IPv4', options);
  t.after(() => relay.close());
  return { relay, clock };
}

function udpClient(t: TestContext, { port }: UdpRelay) {
  const socket = createSocket('udp4');
  t.after(() => closeQuietly(socket));
  return async (text: string): Promise<string> => {
    const answer = once(socket, 'message');
    socket.send(text, port, address);
    return String((await answer)[0]);
  };
}

test('UDP clients go round the endpoints, and each stays with its own while it talks', async (t) => {
  const endpoints = [await udpEndpoint(t, 'a'), await udpEndpoint(t, 'b')];
  const { relay } = udpRelayTo(
    t,
    endpoints.map(({ target }) => target),
  );
  const [one, two] = [udpClient(t, relay), udpClient(t, relay)];
  assert.deepEqual([await one('1'), await two('2'), await one('3'), await two('4')], ['a 1', 'b 2', 'a 3', 'b 4']);
  assert.equal(relay.sessions, 2);
});

test('A UDP session ends when it has been idle, and only then', async (t) => {
  const { target } = await udpEndpoint(t, 'a');
  const { relay, clock } = udpRelayTo(t, [target], { idleMs: 1000 });
  const [one, two] = [udpClient(t, relay), udpClient(t, relay)];
  await one('1');
  await two('2');
  await clock.advance(600);
  await one('3');
  await clock.advance(600);
  assert.equal(relay.sessions, 1);
  await clock.advance(1000);
  assert.equal(relay.sessions, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('A UDP endpoint that refuses is passed over, with the datagram that it refused', async (t) => {
  const gone = await udpEndpoint(t, 'gone');
  gone.socket.close();
  const { target } = await udpEndpoint(t, 'b');
  const { relay } = udpRelayTo(t, [gone.target, target]);
  assert.equal(await udpClient(t, relay)('hello'), 'b hello');
});

test('When a UDP endpoint is no longer to be used, its client’s next datagram finds another', async (t) => {
  const endpoints = [await udpEndpoint(t, 'a'), await udpEndpoint(t, 'b')];
  const targets = endpoints.map(({ target }) => target);
  const { relay } = udpRelayTo(t, targets);
  const ask = udpClient(t, relay);
  assert.equal(await ask('1'), 'a 1');
  relay.retain([targets[1]!]);
  assert.equal(await ask('2'), 'b 2');
});

test('Beyond the limit of UDP sessions the longest idle one makes room', async (t) => {
  const { target } = await udpEndpoint(t, 'a');
  const { relay } = udpRelayTo(t, [target], { sessionsLimit: 2 });
  const clients = [udpClient(t, relay), udpClient(t, relay), udpClient(t, relay)];
  for (const ask of clients) await ask('x');
  assert.equal(relay.sessions, 2);
  assert.equal(await clients[0]!('again'), 'a again');
});
