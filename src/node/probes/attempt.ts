import type { Clock } from '../../base/clock.ts';
import type { Container, Probe } from '../../kube/mod.ts';
import type { Runtime } from '../runtime/port.ts';
import { probeHttp } from './http.ts';
import type { ProbeOutcome } from './state.ts';
import { probeTcp } from './tcp.ts';

/** Where a probe or a hook is to go. */
export interface HandlerTarget {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly podUid: string;
  /** Where it listens: the Pod's address, or the node's for a hostNetwork Pod. */
  readonly podAddress: string;
  readonly container: Container;
  readonly containerId: string;
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>;

/** Carries out a probe once. */
export async function attemptProbe(
  target: HandlerTarget,
  handler: Handler,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { clock, container, podAddress } = target;
  if (handler.exec) return probeExec(target, handler.exec.command ?? [], timeoutMs, signal);
  if (handler.httpGet) {
    const { scheme, host, port, path, httpHeaders } = handler.httpGet;
    const resolved = {
      scheme: scheme === 'HTTPS' ? 'https' : 'http',
      host: host || podAddress,
      port: resolvePort(container, port),
      path: path ?? '/',
      headers: httpHeaders ?? [],
    } as const;
    return probeHttp(clock, resolved, timeoutMs, signal);
  }
  if (handler.tcpSocket) {
    const { host, port } = handler.tcpSocket;
    return probeTcp(clock, host || podAddress, resolvePort(container, port), timeoutMs, signal);
  }
  return {
    ok: false,
    message: handler.grpc ? 'gRPC probes are not supported by this agent' : 'the probe has no handler',
  };
}

async function probeExec(
  { runtime, podUid, containerId }: HandlerTarget,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { exitCode, output } = await runtime.exec(podUid, containerId, command, { timeoutMs, signal });
  if (exitCode === undefined) return { ok: false, message: `command timed out after ${timeoutMs / 1000} s` };
  return { ok: exitCode === 0, message: output.trim() || `command exited with ${exitCode}` };
}

/** A number, a number as text, or the name of one of the container's ports. Throws when there is no such port. */
function resolvePort(container: Container, port: number | string): number {
  const number = typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : portByName(container, port);
  if (number === undefined || number < 1 || number > 65_535) {
    throw new Error(`container ${container.name} has no port ${JSON.stringify(port)}`);
  }
  return number;
}

const portByName = ({ ports }: Container, name: string) =>
  ports?.find((candidate) => candidate.name === name)?.containerPort;
