import { errnoNumber } from '../wire/netlink/mod.ts';
import { kernelError } from './libc.ts';
import type { Kernel, NetlinkSocket } from './port.ts';
import type { RunTool, ToolOptions } from './tools.ts';

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

/**
 * What goes wrong with one run of a tool.
 *
 * - `exit`: it says no. `lost`: it does its work, and is killed before it says so.
 * - `half`: it does what its input says up to the first COMMIT, and then fails.
 * - `deaf`: it ends without having read its input.
 * - `short`: half of what it prints is missing, and all seems well.
 * - `missing`: it is not installed. `hanging`: it does not end before its deadline.
 */
export type ToolFault = 'exit' | 'lost' | 'half' | 'deaf' | 'short' | 'missing' | 'hanging';

/** Fails the runs for which `decide` names a fault, as real processes fail, and passes on all others. */
export function createFaultyTools(
  runTool: RunTool,
  decide: (run: { readonly number: number; readonly file: string }) => ToolFault | undefined,
): RunTool {
  let runs = 0;
  return (file, args, options = {}) => {
    runs += 1;
    const fault = decide({ number: runs, file });
    const ending = (script: string) => runTool('sh', ['-c', script], options);
    switch (fault) {
      case undefined:
        return runTool(file, args, options);
      case 'exit':
        return ending('cat >/dev/null; echo injected >&2; exit 4');
      case 'lost':
        runTool(file, args, options);
        return ending('kill -9 $$');
      case 'half':
        runTool(file, args, { ...options, input: firstTable(options.input) });
        return ending('echo injected >&2; exit 1');
      case 'deaf':
        return ending('exit 3');
      case 'short': {
        const printed = runTool(file, args, options);
        return printed.slice(0, printed.length / 2);
      }
      case 'missing':
        return runTool('/nonexistent/tool', args, options);
      case 'hanging':
        return runTool('sleep', ['1000'], { ...options, deadlineMs: 20 });
    }
  };
}

function firstTable(input: ToolOptions['input'] = ''): string {
  const text = typeof input === 'string' ? input : input.text();
  return text.slice(0, text.indexOf('COMMIT\n') + 'COMMIT\n'.length);
}
