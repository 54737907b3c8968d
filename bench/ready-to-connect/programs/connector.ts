/**
 * Tries new TCP connections to one address, each as soon as the one before was refused and a pause is over, and says on
 * which clock reading one was made. It speaks to the kernel directly and blocks, so that a try costs some 20 µs instead
 * of the 150 µs that a turn of Node's event loop with a net.Socket does, and nothing else runs in this process.
 * usage: connector.ts ADDRESS PORT PAUSE_MS
 * For each line `try` on standard input, it prints `{"refused":true}` after the first refusal and a Landing after the
 * first connection, one JSON line each. Any other outcome ends it with an error.
 */
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/base/clock.ts';
import { checked, libc } from '../../../src/kernel/libc.ts';

/** Times are those of `systemClock.monotonicMs`, which all processes of a machine share. */
export interface Landing {
  /** When the last try that was refused began, and the one that was not: in between, a connection may have landed. */
  readonly refusedMs: number;
  readonly triedMs: number;
  /** When connect(2) returned, its handshake with the endpoint done. */
  readonly landedMs: number;
  readonly tries: number;
  /** What the tries cost of one core, 0 to 1. */
  readonly cpuShare: number;
}

/** include/uapi/asm-generic: AF_INET, SOCK_STREAM, SOL_SOCKET, SO_SNDTIMEO_OLD, ECONNREFUSED */
const [inet, stream, solSocket, sendTimeout, refused] = [2, 1, 1, 21, 111];
/** connect(2) obeys SO_SNDTIMEO: a packet that is dropped ends the benchmark instead of a try that takes minutes. */
const longestTrySeconds = 2;

const [address = '', port = '', pauseMs = ''] = process.argv.slice(2);
const target = socketAddress(address, Number(port));
const timeout = timeval(longestTrySeconds);
const never = new Int32Array(new SharedArrayBuffer(4));

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'try') print(tryUntilLanded(Number(pauseMs)));
}

function tryUntilLanded(pause: number): Landing {
  const startMs = systemClock.monotonicMs();
  const cpuBefore = process.cpuUsage();
  let refusedMs = startMs;
  for (let tries = 1; ; tries++) {
    const triedMs = systemClock.monotonicMs();
    if (lands()) {
      const landedMs = systemClock.monotonicMs();
      const { user, system } = process.cpuUsage(cpuBefore);
      return { refusedMs, triedMs, landedMs, tries, cpuShare: (user + system) / 1000 / (landedMs - startMs) };
    }
    refusedMs = triedMs;
    if (tries === 1) print({ refused: true });
    Atomics.wait(never, 0, 0, pause);
  }
}

/** False: refused. */
function lands(): boolean {
  const socket = checked('Open a socket', libc().socket(inet, stream, 0));
  try {
    libc().setsockopt(socket, solSocket, sendTimeout, timeout);
    const result = libc().connect(socket, target);
    if (result !== -refused) checked(`Connect to ${address}:${port}`, result);
    return result === 0;
  } finally {
    closeSync(socket);
  }
}

/** struct sockaddr_in */
function socketAddress(host: string, number: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(inet, 0);
  bytes.writeUInt16BE(number, 2);
  bytes.set(host.split('.').map(Number), 4);
  return bytes;
}

function timeval(seconds: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(seconds), 0);
  return bytes;
}

function print(line: Landing | { refused: true }): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
