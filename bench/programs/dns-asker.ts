/**
 * Asks for the address of a name over and over, each question when the former one is answered. Reads addresses from its standard
 * input, line by line; prints the monotonic clock's nanoseconds when the first answer with that address has come.
 * usage: node dns-asker.ts '{"name":"a.default.svc.cluster.local","server":"127.0.0.1"}'
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { encodeName } from '../../src/wire/dns/mod.ts';

export interface DnsAskerTask {
  readonly name: string;
  readonly server: string;
}

/** A lost question must not end it; an answer takes a thousandth of this. */
const patienceMs = 1000;

const { name, server }: DnsAskerTask = JSON.parse(process.argv[2] ?? '');
const header = Buffer.from('000001000001000000000000', 'hex');
const typeAndClass = Buffer.from('00010001', 'hex');
const question = Buffer.concat([header, encodeName(name), typeAndClass]);

const socket = createSocket('udp4');
socket.connect(53, server);
let wanted: Buffer | undefined;
let asking: NodeJS.Timeout | undefined;

socket.on('message', (answer) => {
  clearTimeout(asking);
  // The address is what such an answer ends with.
  if (wanted && answer.subarray(-4).equals(wanted)) {
    console.log(String(process.hrtime.bigint()));
    wanted = undefined;
  }
  if (wanted) ask();
});

function ask(): void {
  socket.send(question);
  asking = setTimeout(ask, patienceMs);
}

socket.on('connect', async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    wanted = Buffer.from(line.split('.').map(Number));
    ask();
  }
  process.exit(0);
});
