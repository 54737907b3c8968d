import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../../base/errors.ts';
import type { SocketAddress } from '../forward/mod.ts';
import { listenOnBoth } from './listen-on-both.ts';
import type { TcpListener } from './tcp-listener.ts';
import type { UdpListener } from './udp-listener.ts';

/** TCP takes one free port after the other; UDP has only those that are not in `taken`. */
function listeners(taken: readonly number[], code = 'EADDRINUSE') {
  const open = new Set<string>();
  let nextPort = 1000;
  const create = (protocol: string, listen: (at: SocketAddress) => Promise<SocketAddress>) => (at: SocketAddress) => {
    let bound = at;
    return {
      async listen() {
        bound = await listen(at);
        open.add(`${protocol} ${bound.port}`);
        return bound;
      },
      close: async () => void open.delete(`${protocol} ${bound.port}`),
    };
  };
  const tcp = create('tcp', async (at) => ({ ...at, port: at.port || nextPort++ }));
  const udp = create('udp', async (at) => {
    if (taken.includes(at.port)) throw new OperatingError(`Listen on UDP ${at.port}`, code, code);
    return at;
  });
  return { open, tcp: tcp as unknown as () => TcpListener, udp: udp as unknown as () => UdpListener };
}

const anyPort = { address: '127.0.0.1', port: 0 };

test('A port that is free for TCP and not for UDP is left for another', async () => {
  const { open, tcp, udp } = listeners([1000, 1001]);
  const { bound } = await listenOnBoth(anyPort, tcp, udp);
  assert.equal(bound.port, 1002);
  assert.deepEqual([...open], ['tcp 1002', 'udp 1002']);
});

for (const [title, at, taken, code] of [
  ['A port that was asked for is not changed', { ...anyPort, port: 1000 }, [1000], 'EADDRINUSE'],
  ['Another failure is not tried again', anyPort, [1000], 'EACCES'],
  ['Not for ever', anyPort, Array.from({ length: 100 }, (_, index) => 1000 + index), 'EADDRINUSE'],
] as const) {
  test(`${title}; nothing stays open`, async () => {
    const { open, tcp, udp } = listeners(taken, code);
    await assert.rejects(listenOnBoth(at, tcp, udp), { code });
    assert.deepEqual([...open], []);
  });
}
