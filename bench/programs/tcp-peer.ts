import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * One end of the userspace benchmark, inside a network namespace; a line of JSON asks, a line answers.
 * A server sends bytes to whoever connects to its first port until they go away, and ends connections to the second.
 */
export type PeerRequest =
  | { readonly do: 'serve' }
  | {
      readonly do: 'receive';
      readonly address: string;
      readonly port: number;
      readonly streams: number;
      readonly bytes: number;
    }
  | {
      readonly do: 'connect';
      readonly address: string;
      readonly port: number;
      readonly concurrency: number;
      readonly connections: number;
    };

const chunk = Buffer.alloc(256 << 10);

/** Returns the two ports. */
async function serve(): Promise<number[]> {
  const sending = createServer((socket) => {
    const write = () => {
      while (socket.write(chunk));
    };
    socket.on('drain', write).on('error', () => {});
    socket.resume();
    write();
  });
  const ending = createServer((socket) => socket.on('error', () => {}).end('.'));
  return Promise.all(
    [sending, ending].map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, () =>
            resolve((server.address() as { port: number }).port),
          );
        }),
    ),
  );
}

/** Returns the seconds from the first byte on. */
function receive(address: string, port: number, streams: number, bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let started = 0;
    const sockets: Socket[] = [];
    const buffer = Buffer.alloc(1 << 20);
    const take = (count: number): boolean => {
      if (started === 0) started = performance.now();
      received += count;
      if (received < bytes) return true;
      for (const socket of sockets) socket.destroy();
      resolve((performance.now() - started) / 1000);
      return false;
    };
    for (let i = 0; i < streams; i++) {
      sockets.push(connect({ host: address, port, onread: { buffer, callback: take } }).on('error', reject));
    }
  });
}

/** Connects, waits for the other end's word and end, so many times. Returns the seconds. */
async function connectAll(address: string, port: number, concurrency: number, connections: number): Promise<number> {
  const started = performance.now();
  let left = connections;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      connect({ host: address, port }).on('error', reject).on('close', resolve).resume();
    });
  const loop = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  return (performance.now() - started) / 1000;
}

function carryOut(request: PeerRequest): Promise<number | number[]> {
  switch (request.do) {
    case 'serve':
      return serve();
    case 'receive':
      return receive(request.address, request.port, request.streams, request.bytes);
    case 'connect':
      return connectAll(request.address, request.port, request.concurrency, request.connections);
  }
}

for await (const line of createInterface(process.stdin)) {
  console.log(JSON.stringify(await carryOut(JSON.parse(line) as PeerRequest)));
}
