import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

/** Calls back once when the process that holds the FIFO open is gone, at once if it is already; the result stops it. */
export function whenReleased(fifo: string, callback: () => void): () => void {
  // Non-blocking: open(2) does not wait for a writer (fifo(7)), and libuv can wait for end-of-file with epoll.
  const socket = new Socket({ fd: openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
  let stopped = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!stopped) callback();
  });
  socket.resume();
  socket.unref();
  return () => {
    stopped = true;
    socket.destroy();
  };
}
