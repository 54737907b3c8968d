import type { Socket } from 'node:net';

/**
 * Passes on what comes in on either side to the other until both have ended. An end on one side is passed on alone
 * (half-close), a reset resets the other side. Nobody is read from faster than the other side takes it.
 */
export function forwardBothWays(client: Socket, endpoint: Socket): void {
  forward(client, endpoint);
  forward(endpoint, client);
}

function forward(from: Socket, to: Socket): void {
  from.on('data', (data) => {
    if (!to.write(data)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => to.resetAndDestroy());
  // Both sides have ended, or this one was destroyed before it could.
  from.on('close', () => {
    if (!from.readableEnded || !to.writableEnded) to.resetAndDestroy();
  });
  from.resume();
}
