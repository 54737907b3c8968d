import { connect } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { ProbeOutcome } from './state.ts';
import { withTimeout } from './timeout.ts';

/** A connection that comes about is a success. */
export function probeTcp(
  clock: Clock,
  host: string,
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  return withTimeout(clock, timeoutMs, signal, (limit) => open(host, port, limit));
}

function open(host: string, port: number, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (outcome: ProbeOutcome) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(outcome);
    };
    const abort = () => finish({ ok: false, message: `dial tcp ${host}:${port}: aborted` });
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => finish({ ok: true, message: '' }));
    socket.once('error', (error) => finish({ ok: false, message: `dial tcp ${host}:${port}: ${error.message}` }));
  });
}
