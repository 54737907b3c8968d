import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { ApiResponse } from '../../base/exchange.ts';

/** A reader that takes nothing for so long is cut off. */
const stalledMs = 60_000;

/** Sends an answer; one that goes on waits for its reader between pieces, so that nothing piles up here. */
export async function sendResponse(outgoing: ServerResponse, response: ApiResponse, isHead: boolean, clock: Clock) {
  const { status, headers, body } = response;
  if (typeof body === 'string') {
    outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    outgoing.end(isHead ? undefined : body);
    return;
  }
  outgoing.writeHead(status, headers);
  outgoing.flushHeaders();
  for await (const piece of body) {
    if (isClosed(outgoing)) break;
    if (!outgoing.write(piece) && !(await drained(outgoing, clock))) break;
  }
  if (!isClosed(outgoing)) outgoing.end();
}

const isClosed = (outgoing: ServerResponse) => outgoing.destroyed || outgoing.writableEnded;

/** False: the reader has left, or has been cut off for taking nothing. */
function drained(outgoing: ServerResponse, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isThere: boolean) => () => {
      cancel();
      outgoing.off('drain', onDrain).off('close', onClose);
      resolve(isThere);
    };
    const onDrain = settle(true);
    const onClose = settle(false);
    const cancel = clock.schedule(stalledMs, () => {
      outgoing.destroy();
      onClose();
    });
    outgoing.on('drain', onDrain).on('close', onClose);
  });
}
