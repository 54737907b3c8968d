/**
 * Connects to each address in turns, many times, and prints the microseconds that each connect(2) took: the way of one new
 * connection's first packet and its answer, without an event loop in between.
 * usage: node first-packet-client.ts '{"port":9376,"addresses":["10.244.1.2"],"rounds":100}'
 */
import koffi from 'koffi';

export interface FirstPacketTask {
  readonly targets: readonly { readonly address: string; readonly port: number }[];
  readonly rounds: number;
}

const library = koffi.load(null);
const socket = library.func('int socket(int, int, int)');
const connect = library.func('int connect(int, const void *, unsigned int)');
const setsockopt = library.func('int setsockopt(int, int, int, const void *, unsigned int)');
const close = library.func('int close(int)');

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_LINGER = 13;

const { targets, rounds } = JSON.parse(process.argv[2]!) as FirstPacketTask;
const addresses = targets.map(socketAddress);
/** Closed by a reset at once, so that no connection waits for its end. */
const linger = Buffer.from('0100000000000000', 'hex');
const samples: number[][] = targets.map(() => []);
for (let round = 0; round < rounds; round++) {
  for (const [i, address] of addresses.entries()) samples[i]!.push(connectOnce(address));
}
console.log(JSON.stringify(samples));

function connectOnce(address: Buffer): number {
  const descriptor = socket(AF_INET, SOCK_STREAM, 0) as number;
  const started = performance.now();
  const result = connect(descriptor, address, address.length) as number;
  const microseconds = (performance.now() - started) * 1000;
  if (result !== 0) throw new Error(`Connect: errno ${koffi.errno()}`);
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, linger.length);
  close(descriptor);
  return microseconds;
}

/** struct sockaddr_in */
function socketAddress({ address, port }: FirstPacketTask['targets'][number]): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}
