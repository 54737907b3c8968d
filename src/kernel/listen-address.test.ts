import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openDatagrams } from './datagrams.ts';
import { type ListenAddress, openListener } from './listen-address.ts';
import { socketAddress } from './streams.ts';

const open = {
  TCP: (t: TestContext, at: ListenAddress) => {
    const { descriptor, port } = openListener(at);
    const server = createServer().listen({ fd: descriptor });
    t.after(() => server.close());
    return port;
  },
  UDP: (t: TestContext, at: ListenAddress) => {
    const socket = openDatagrams(at, 1 << 16);
    t.after(() => closeSync(socket.descriptor));
    return socket.port;
  },
} as const;

for (const address of ['127.0.0.1', '::1']) {
  for (const [protocol, bind] of Object.entries(open)) {
    test(`${protocol} ${address}: an address that is taken is refused, but to whoever takes over`, (t) => {
      const port = bind(t, { address, port: 0 });
      const at = { address, port };
      const refused = { code: 'EADDRINUSE', message: new RegExp(`^Bind ${protocol} `) };
      assert.throws(() => bind(t, at), refused);
      assert.equal(bind(t, { ...at, takeOver: true }), port);
      assert.throws(() => bind(t, at), refused);
      assert.equal(bind(t, { ...at, takeOver: true }), port);
    });
  }
}

test('who leaves gets nothing more, has what came before, and can still answer it', (t) => {
  const opened = (at: ListenAddress) => {
    const socket = openDatagrams(at, 1 << 20);
    t.after(() => closeSync(socket.descriptor));
    return socket;
  };
  const former = opened({ address: '127.0.0.1', port: 0 });
  const clients = Array.from({ length: 60 }, () => opened({ address: '127.0.0.1', port: 0 }));
  const sendAll = (text: string) => {
    for (const client of clients) {
      client.queueTo(Buffer.from(text), socketAddress('127.0.0.1', former.port));
      client.flush(() => assert.fail('there is room'));
    }
  };
  sendAll('before');
  const next = opened({ address: '127.0.0.1', port: former.port, takeOver: true });
  former.leave();
  sendAll('after');
  assert.equal(next.receive(), 60);
  assert.equal(String(next.packet(0)), 'after');
  assert.equal(former.receive(), 60);
  for (let place = 0; place < 60; place++) {
    assert.equal(String(former.packet(place)), 'before');
    assert.ok(former.queue(Buffer.from('answer'), place));
  }
  former.flush(() => assert.fail('there is room'));
  for (const client of clients) {
    assert.equal(client.receive(), 1);
    assert.equal(String(client.packet(0)), 'answer');
  }
});
