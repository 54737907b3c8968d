import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { errnoNumber } from '../wire/netlink/mod.ts';
import { type DatagramAddress, type DatagramSocket, openDatagrams } from './datagrams.ts';
import { libc } from './libc.ts';
import { socketAddress } from './streams.ts';

function opened(t: TestContext, address: string, instead?: Parameters<typeof openDatagrams>[2]): DatagramSocket {
  const socket = openDatagrams({ address, port: 0 }, 1 << 20, instead);
  t.after(() => closeSync(socket.descriptor));
  return socket;
}

const never = () => assert.fail('the send buffer has room');

/** What `system` returns call by call; a function is called instead. */
const scripted = <Call extends (...words: never[]) => number>(
  ...steps: readonly (number | Call)[]
): ((...words: Parameters<Call>) => number) => {
  const left = [...steps];
  return (...words) => {
    const step = left.shift();
    assert.ok(step !== undefined, 'one call too many');
    return typeof step === 'number' ? step : step(...words);
  };
};

const failing = (name: string): number => -errnoNumber(name)!;

for (const address of ['127.0.0.1', '::1']) {
  test(`${address}: a hundred datagrams in two batches, and their answers in two`, (t) => {
    const [server, client] = [opened(t, address), opened(t, address)];
    const to = socketAddress(address, server.port);
    for (let sent = 0; sent < 100; sent++) {
      assert.ok(client.queueTo(Buffer.from(`question ${sent}`), to));
      if (sent % 50 === 49) client.flush(never);
    }
    const counts = [server.receive()];
    assert.deepEqual(server.sender(3), { address, port: client.port });
    for (let count = counts[0]!; count > 0; counts.push(count)) {
      for (let place = 0; place < count; place++) {
        const long = 'and much more of it '.repeat(place);
        assert.ok(server.queue(Buffer.from(`${server.packet(place)} ${long}`), place));
      }
      server.flush(never);
      count = server.receive();
    }
    assert.deepEqual(counts, [64, 36, 0]);
    assert.deepEqual([server.isFull(64), server.isFull(36)], [true, false]);
    const answers: string[] = [];
    for (let count = client.receive(); count > 0; count = client.receive()) {
      for (let place = 0; place < count; place++) answers.push(String(client.packet(place)));
    }
    assert.deepEqual(
      answers.map((answer) => answer.split(' ')[1]),
      Array.from({ length: 100 }, (_, number) => String(number)),
    );
    assert.equal(answers[63]!.length, 'question 63 '.length + 63 * 20);
  });
}

test('Bytes that are kept stay as they are when the next batch comes', (t) => {
  const [server, client] = [opened(t, '127.0.0.1'), opened(t, '127.0.0.1')];
  const exchange = (text: string) => {
    client.queueTo(Buffer.from(text), socketAddress('127.0.0.1', server.port));
    client.flush(never);
    assert.equal(server.receive(), 1);
    return server.packet(0);
  };
  const first = exchange('first');
  const from = server.keep(0);
  const second = exchange('other');
  assert.equal(String(first), 'first');
  exchange('third');
  assert.equal(String(second), 'third', 'what is not kept is overwritten');
  server.queueTo(first, from);
  server.flush(never);
  assert.equal(client.receive(), 1);
  assert.equal(String(client.packet(0)), 'first');
});

test('The sender that is kept stays who it was when the next batch comes from others', (t) => {
  const [server, first, second] = [opened(t, '127.0.0.1'), opened(t, '127.0.0.1'), opened(t, '127.0.0.1')];
  const at = socketAddress('127.0.0.1', server.port);
  const kept = [first, second].map((client) => {
    client.queueTo(Buffer.from('question'), at);
    client.flush(never);
    assert.equal(server.receive(), 1);
    return server.keep(0);
  });
  server.queueTo(Buffer.from('answer to the first'), kept[0]!);
  server.flush(never);
  assert.deepEqual([first.receive(), second.receive()], [1, 0]);
});

test('Of a long datagram the beginning is taken; a long answer is not queued, nor one too many', (t) => {
  const [server, client] = [opened(t, '127.0.0.1'), opened(t, '127.0.0.1')];
  const to = socketAddress('127.0.0.1', server.port);
  const long = Buffer.alloc(5000, 'x');
  assert.equal(client.queueTo(long, to), false);
  assert.equal(libc().connect(client.descriptor, to), 0);
  assert.equal(libc().send(client.descriptor, long, 0), 5000);
  assert.equal(server.receive(), 1);
  assert.equal(server.packet(0).length, 4096);
  const taken = Array.from({ length: 100 }, () => server.queue(Buffer.from('x'), 0));
  assert.ok(taken.indexOf(false) >= 64, 'a whole batch of answers has room');
  assert.equal(taken.at(-1), false);
});

const receiving = [
  ['EAGAIN: nothing has come', [failing('EAGAIN')], 0],
  ['EINTR: asked again', [failing('EINTR'), 5], 5],
  ['ECONNREFUSED: an earlier answer reached nobody', [failing('ECONNREFUSED')], 0],
  ['ENOBUFS: nothing has come', [failing('ENOBUFS')], 0],
  ['ENOSYS: told', [failing('ENOSYS')], failing('ENOSYS')],
] as const;

for (const [title, results, expected] of receiving) {
  test(`Receiving, ${title}`, (t) => {
    assert.equal(opened(t, '127.0.0.1', { recvmmsg: scripted(...results) }).receive(), expected);
  });
}

const sending = [
  { title: 'EINTR: sent again', results: [failing('EINTR'), 4], congested: [], calls: [4, 4] },
  { title: 'a part at a time', results: [1, 2, 1], congested: [], calls: [4, 3, 1] },
  { title: 'EAGAIN: the rest is given back', results: [1, failing('EAGAIN')], congested: [1, 2, 3], calls: [4, 3] },
  { title: 'ENOBUFS: the same', results: [failing('ENOBUFS')], congested: [0, 1, 2, 3], calls: [4] },
  { title: 'EPERM: this one is lost', results: [failing('EPERM'), 3], congested: [], calls: [4, 3] },
  {
    title: 'ECONNREFUSED: of another, sent again',
    results: [failing('ECONNREFUSED'), 4],
    congested: [],
    calls: [4, 4],
  },
  {
    title: 'ECONNREFUSED over and over: lost, one by one',
    results: Array(5).fill(failing('ECONNREFUSED')),
    congested: [],
    calls: [4, 4, 3, 2, 1],
  },
];

for (const { title, results, congested, calls } of sending) {
  test(`Sending, ${title}`, (t) => {
    const counts: number[] = [];
    const sendmmsg = scripted(
      ...results.map((result) => (_: number, messages: Uint8Array) => {
        counts.push(messages.length / 64);
        return result;
      }),
    );
    const socket = opened(t, '127.0.0.1', { sendmmsg });
    for (let number = 0; number < 4; number++) {
      socket.queueTo(Buffer.from(String(number)), socketAddress('192.0.2.7', 1000 + number));
    }
    const left: [number, DatagramAddress][] = [];
    socket.flush((bytes, to) => left.push([Number(String(bytes)), to]));
    assert.deepEqual(counts, calls);
    assert.deepEqual(
      left,
      congested.map((number) => [number, { address: '192.0.2.7', port: 1000 + number }]),
    );
  });
}

test('An address that is taken is said, and nothing is left open', (t) => {
  const { port } = opened(t, '127.0.0.1');
  assert.throws(() => openDatagrams({ address: '127.0.0.1', port }, 1 << 20), {
    code: 'EADDRINUSE',
    message: `Bind UDP 127.0.0.1:${port}: EADDRINUSE`,
  });
});
