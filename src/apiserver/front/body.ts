import type { Readable } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { badRequest, requestTooLarge, timedOut } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';

/** Upstream's limit for one request. */
const maxBodyBytes = 3 * 1024 * 1024;
/** From the headers to the last byte. */
const bodyTimeoutMs = 30_000;

/**
 * Reads a request's body. Refuses with a Status one that is too large (as soon as that is known) or too slow; rejects with whatever broke the connection.
 * @param declaredLength the content-length header
 */
export async function readBody(stream: Readable, declaredLength: string | undefined, clock: Clock): Promise<Buffer> {
  if (Number(declaredLength ?? 0) > maxBodyBytes) refuse(requestTooLarge(maxBodyBytes));
  const pieces: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.schedule(bodyTimeoutMs, () =>
      finish(() => refuse(timedOut('the body did not arrive in time'))),
    );
    const finish = (settle: () => void) => {
      cancel();
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      try {
        settle();
      } catch (error) {
        reject(error);
      }
    };
    const onData = (piece: Buffer) => {
      length += piece.length;
      pieces.push(piece);
      if (length > maxBodyBytes) finish(() => refuse(requestTooLarge(maxBodyBytes)));
    };
    const onEnd = () => finish(resolve);
    const onError = (error: unknown) => finish(() => reject(error));
    const onClose = () => finish(() => reject(new Error('The request was broken off')));
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
  return Buffer.concat(pieces);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

export function decodeText(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return refuse(badRequest('the body of the request is not UTF-8'));
  }
}
