import { isIPv6 } from 'node:net';
import { checked, type Libc, libc } from './libc.ts';
import { socketAddress } from './streams.ts';

/** Where to listen. */
export interface ListenAddress {
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
  /** Beside whoever of the same user listens there already, by `bindSharable`: it gets a share of what comes. */
  readonly takeOver?: boolean | undefined;
}

const SOCK_STREAM = 1;
/** O_NONBLOCK and O_CLOEXEC are also SOCK_* flags. */
const nonBlocking = 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;

/**
 * Binds so that a later socket of the same user can take over: SO_REUSEPORT is set afterwards, which the kernel allows
 * (net/core/sock_reuseport.c, `reuseport_add_sock`, has the case), so that a second one that was not told to take over is
 * refused as ever (EADDRINUSE). Throws KernelError.
 */
export function bindSharable(
  system: Pick<Libc, 'bind' | 'getsockname' | 'setsockopt'>,
  descriptor: number,
  { address, port, takeOver = false }: ListenAddress,
  operation: string,
): { domain: number; port: number } {
  const bound = Buffer.from(socketAddress(address, port));
  if (takeOver) set(system, descriptor, SO_REUSEPORT, operation);
  checked(operation, system.bind(descriptor, bound));
  if (!takeOver) set(system, descriptor, SO_REUSEPORT, operation);
  checked(operation, system.getsockname(descriptor, bound));
  return { domain: bound.readUInt16LE(0), port: bound.readUInt16BE(2) };
}

/**
 * A TCP socket bound to the address, for net.Server to listen on; the descriptor is the caller's to close. Throws KernelError,
 * UsageError for an address that is none, OperatingError (code `unsupported`) where system calls cannot be had.
 */
export function openListener(at: ListenAddress): { descriptor: number; port: number } {
  const { address, port } = at;
  const system = libc();
  const operation = `Bind TCP ${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const descriptor = checked(operation, system.socket(socketAddress(address, port)[0]!, SOCK_STREAM | nonBlocking, 0));
  try {
    // As net.Server has it: connections of a former process that the kernel remembers are no reason to refuse.
    set(system, descriptor, SO_REUSEADDR, operation);
    return { descriptor, port: bindSharable(system, descriptor, at, operation).port };
  } catch (error) {
    system.close(descriptor);
    throw error;
  }
}

function set(system: Pick<Libc, 'setsockopt'>, descriptor: number, option: number, operation: string): void {
  const one = Buffer.alloc(4);
  one.writeInt32LE(1);
  checked(operation, system.setsockopt(descriptor, SOL_SOCKET, option, one));
}
