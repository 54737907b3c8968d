import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { codeOf } from '../../../base/errors.ts';

/** Calls back once when the process that holds the FIFO open is gone, at once if it is already; the result stops it. */
export function whenReleased(fifo: string, callback: () => void): () => void {
  // Non-blocking: open(2) does not wait for a writer (fifo(7)), and libuv can wait for end-of-file with epoll.
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  let stopped = false;
  const report = () => {
    if (!stopped) callback();
  };
  // poll(2) tells of the end only to a reader that has met a writer: one that comes late has to ask.
  if (isAtEnd(fd)) {
    closeSync(fd);
    setImmediate(report);
    return () => {
      stopped = true;
    };
  }
  const socket = new Socket({ fd, writable: false });
  socket.on('error', () => {});
  socket.on('close', report);
  socket.resume();
  socket.unref();
  return () => {
    stopped = true;
    socket.destroy();
  };
}

function isAtEnd(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0;
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return false;
    throw error;
  }
}
