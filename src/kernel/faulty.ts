import { errnoNumber } from '../wire/netlink/mod.ts';
import { kernelError } from './libc.ts';
import type { Kernel, NetlinkSocket } from './port.ts';

/** What goes wrong with one call. */
export interface Fault {
  /**
   * - `refused`: nothing happens, the call throws.
   * - `lost`: the request is carried out, its answer is not seen, the call throws (ENOBUFS on receive).
   * - `short`: the request is carried out and the last datagram of its answer is missing. Only for an exchange.
   */
  readonly kind: 'refused' | 'lost' | 'short';
  /** Of the error that is thrown, such as `EPERM`; default ENOBUFS. */
  readonly code?: string;
}

/** A call to the kernel: sockets opened and exchanges, counted together from 1. */
export interface KernelCall {
  readonly number: number;
  readonly kind: 'open' | 'exchange';
}

/** Fails the calls for which `decide` names a fault and passes on all others: `(call) => call.number === 3 && …`. */
export function createFaultyKernel(kernel: Kernel, decide: (call: KernelCall) => Fault | undefined): Kernel {
  let calls = 0;
  const faultOf = (kind: KernelCall['kind']) => {
    calls += 1;
    return decide({ number: calls, kind });
  };
  return {
    ...kernel,
    openNetlink(protocol, options) {
      const fault = faultOf('open');
      if (fault) throw errorOf(fault, `Open netlink ${protocol}`);
      return faultySocket(kernel.openNetlink(protocol, options), () => faultOf('exchange'));
    },
  };
}

function faultySocket(socket: NetlinkSocket, nextFault: () => Fault | undefined): NetlinkSocket {
  return {
    portId: socket.portId,
    exchange(request) {
      const fault = nextFault();
      if (fault?.kind === 'refused') throw errorOf(fault, 'Send to netlink');
      const answer = socket.exchange(request);
      if (fault?.kind === 'lost') throw errorOf(fault, 'Receive from netlink');
      return fault?.kind === 'short' ? answer.slice(0, -1) : answer;
    },
    close: () => socket.close(),
  };
}

function errorOf({ code = 'ENOBUFS' }: Fault, operation: string): Error {
  const number = errnoNumber(code);
  if (number === undefined) throw new TypeError(`No such errno: ${code}`);
  return kernelError(operation, number, 'injected');
}
