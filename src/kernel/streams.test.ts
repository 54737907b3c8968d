import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createStreamSystem, listenStream, openPipe, StreamError, socketAddress } from './streams.ts';

test('A socket address is family, port and address in network order', () => {
  const hex = (address: string, port: number) => Buffer.from(socketAddress(address, port)).toString('hex');
  assert.equal(hex('10.1.2.3', 443), `020001bb0a010203${'00'.repeat(8)}`);
  assert.equal(hex('fd00::1', 80), `0a00005000000000fd00${'00'.repeat(13)}01${'00'.repeat(4)}`);
});

for (const [family, loopback] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
] as const) {
  test(`${family}: a client is accepted, told by its address, heard and reset`, async () => {
    const system = createStreamSystem();
    const { descriptor, port } = listenStream(family);
    assert.equal(system.accept(descriptor), StreamError.tryAgain);
    const client = connect({ host: loopback, port });
    await once(client, 'connect');
    const accepted = system.accept(descriptor);
    assert.ok(accepted > 0);
    assert.equal(system.clientAddress(), loopback);
    client.write('hello');
    system.watch(accepted);
    const seen: number[] = [];
    while (seen.length === 0) system.wait(1000, (one) => seen.push(one));
    assert.deepEqual(seen, [accepted]);
    const failure = once(client, 'error');
    system.reset(accepted);
    assert.equal((await failure)[0].code, 'ECONNRESET');
    system.close(descriptor);
    system.end();
  });
}

test('What goes into a pipe comes out of it, and an empty one blocks nobody', () => {
  const system = createStreamSystem();
  const [one, two] = [openPipe(), openPipe()];
  const bytes = Buffer.alloc(8);
  assert.equal(system.read(one.read, bytes), StreamError.tryAgain);
  assert.equal(system.splice(one.read, two.write, 100), StreamError.tryAgain);
  for (const { read, write } of [one, two]) for (const end of [read, write]) system.close(end);
  system.end();
});
