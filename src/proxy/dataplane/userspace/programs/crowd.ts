import { connect, createServer, type Socket } from 'node:net';
import { raiseFileLimit } from '../../../../kernel/mod.ts';

/**
 * For the test with many connections: `serve PORT` echoes; `hold ADDRESS PORT COUNT` opens so many connections, says
 * something on each when all are open, waits for all echoes, ends them, and prints how many came back.
 */
const [what, ...words] = process.argv.slice(2);
raiseFileLimit(64_000);

/** Connections that are being made at a time: fewer than the shortest backlog on the way. */
const concurrency = 200;

if (what === 'serve') {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  server.listen({ port: Number(words[0]), host: '0.0.0.0', backlog: 4096 }, () => console.log('ready'));
} else {
  const [address = '', port, count] = words;
  const sockets: Socket[] = [];
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host: address, port: Number(port) }, resolve).on('error', reject);
      sockets.push(socket);
    });
  let left = Number(count);
  const loop = async () => {
    while (left-- > 0) await open();
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const echoes = await Promise.all(sockets.map(echo));
  for (const socket of sockets) socket.end();
  console.log(
    JSON.stringify({ opened: sockets.length, echoed: echoes.filter((text, i) => text === `hello ${i}`).length }),
  );
}

function echo(socket: Socket, index: number): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject).once('data', (data) => resolve(String(data)));
    socket.write(`hello ${index}`);
  });
}
