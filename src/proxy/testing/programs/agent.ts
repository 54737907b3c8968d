import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { askRaw, type RawProtocol, serveRaw } from './raw.ts';
import { sctp } from './sctp.ts';
import { strayTcp } from './stray-tcp.ts';

/**
 * Runs inside a network namespace and does there what its parent asks, a line of JSON each: serves, or connects and
 * tells what came of it. A server answers `NAME PEER`, the address that it sees its client come from.
 */
export type AgentRequest = { readonly id: number } & (
  | { readonly do: 'serve'; readonly protocol: Protocol; readonly port: number; readonly name: string }
  | {
      readonly do: 'ask';
      readonly protocol: Protocol;
      readonly address: string;
      readonly port: number;
      readonly timeoutMs: number;
      /** The client's, in UDP; default: any. */
      readonly ownPort?: number;
    }
  /** A TCP server that sends back what it gets, for connections that are held. */
  | { readonly do: 'echo'; readonly port: number }
  /** Opens a TCP connection that stays open: `open`, or an error's code. */
  | { readonly do: 'hold'; readonly name: string; readonly address: string; readonly port: number }
  /** What comes back on it, or an error's code, or `closed`. */
  | { readonly do: 'say'; readonly name: string; readonly text: string }
);
export interface AgentAnswer {
  readonly id: number;
  /** What the server said, or an error's code: ECONNREFUSED, ENETUNREACH, timeout. */
  readonly result: string;
}
export type Protocol = 'TCP' | 'UDP' | keyof typeof rawProtocols;

const rawProtocols = { SCTP: sctp, 'stray TCP': strayTcp } as const satisfies Record<string, RawProtocol>;

function serve(protocol: Protocol, port: number, name: string): Promise<string> {
  if (protocol !== 'TCP' && protocol !== 'UDP') return serveRaw(rawProtocols[protocol], port, name);
  return new Promise((resolve, reject) => {
    if (protocol === 'TCP') {
      const server = createServer((socket) =>
        socket.on('error', () => {}).end(`${name} ${plain(socket.remoteAddress)}`),
      );
      server.on('error', reject).listen(port, '::', () => resolve('listening'));
    } else {
      const server = createSocket('udp6');
      // Whoever wants to know by which port it has come says so.
      server.on('message', (data, { address, port: from }) =>
        server.send(`${name} ${plain(address)}${String(data) === askForPort ? ` ${from}` : ''}`, from, address),
      );
      server.on('error', reject).bind(port, '::', () => resolve('listening'));
    }
  });
}

/** Sockets of both families show IPv4 addresses as IPv6 ones. */
const plain = (address = ''): string => address.replace(/^::ffff:/, '');

const askForPort = 'hello, which port?';

function ask({ protocol, address, port, timeoutMs, ownPort }: Extract<AgentRequest, { do: 'ask' }>): Promise<string> {
  if (protocol === 'TCP') return askTcp(address, port, timeoutMs);
  if (protocol === 'UDP') return askUdp(address, port, timeoutMs, ownPort);
  return askRaw(rawProtocols[protocol], address, port, timeoutMs);
}

function askTcp(address: string, port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: address, port });
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), timeoutMs);
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', (error) => resolve((error as { code?: string }).code ?? error.message));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

function askUdp(address: string, port: number, timeoutMs: number, ownPort?: number): Promise<string> {
  return new Promise((resolve) => {
    const socket: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const finish = (result: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(() => finish('timeout'), timeoutMs);
    socket.once('message', (data) => finish(String(data)));
    const fail = (error: { code?: string; message: string }) => finish(error.code ?? error.message);
    socket.once('error', fail);
    const question = ownPort === undefined ? 'hello' : askForPort;
    socket.bind(ownPort ?? 0, () =>
      socket.connect(port, address, (error?: Error) => (error ? fail(error) : socket.send(question))),
    );
  });
}

interface Held {
  readonly socket: Socket;
  /** Tells whoever waits for it what has come of the connection. */
  settle(result: string): void;
}

const held = new Map<string, Held>();

function echo(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    server.on('error', reject).listen(port, '::', () => resolve('listening'));
  });
}

function hold(name: string, address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const one: Held = { socket: connectTcp({ host: address, port }), settle: resolve };
    held.set(name, one);
    one.socket.on('connect', () => one.settle('open'));
    one.socket.on('data', (data) => one.settle(String(data)));
    one.socket.on('error', (error) => one.settle((error as { code?: string }).code ?? error.message));
    one.socket.on('close', () => one.settle('closed'));
  });
}

function say(name: string, text: string): Promise<string> {
  const one = held.get(name)!;
  if (one.socket.destroyed) return Promise.resolve('closed');
  return new Promise((resolve) => {
    one.settle = resolve;
    one.socket.write(text);
  });
}

function carryOut(request: AgentRequest): Promise<string> {
  switch (request.do) {
    case 'serve':
      return serve(request.protocol, request.port, request.name);
    case 'ask':
      return ask(request);
    case 'echo':
      return echo(request.port);
    case 'hold':
      return hold(request.name, request.address, request.port);
    case 'say':
      return say(request.name, request.text);
  }
}

for await (const line of createInterface(process.stdin)) {
  const request = JSON.parse(line) as AgentRequest;
  void carryOut(request)
    .catch((error: Error) => error.message)
    .then((result) => process.stdout.write(`${JSON.stringify({ id: request.id, result })}\n`));
}
process.exit(0);
