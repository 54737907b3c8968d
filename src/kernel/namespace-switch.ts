import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { checked, fileCall, libc } from './libc.ts';

/** include/uapi/linux/sched.h */
export const CLONE_NEWNET = 0x40000000;

/** This thread's own network namespace: setns(2) and unshare(2) change the thread, not the process. */
export const currentNetns = '/proc/thread-self/ns/net';

/**
 * Runs `action` with this thread in the network namespace that `path` names, and brings the thread back whatever
 * happens. The action must be synchronous: what it would leave for later would run in the wrong namespace.
 *
 * Why this is safe in Node.js: the main thread stays on this call stack until it is back, so no other JavaScript runs
 * in between; sockets keep the namespace that they were opened in; and the thread pool's threads keep the one they
 * were started in, because the synchronous file system calls allowed here do not start them.
 */
export function withNetns<T>(path: string, action: () => T): T {
  const operation = `Enter network namespace ${path}`;
  const target = fileCall(operation, () => openSync(path, 'r'));
  try {
    return restoringNetns(operation, () => {
      checked(operation, libc().setns(target, CLONE_NEWNET));
      const result = action();
      assert(!isPromise(result), 'The action in a network namespace must be synchronous');
      return result;
    });
  } finally {
    closeSync(target);
  }
}

/** Runs `action`, which may move this thread to another network namespace, and brings the thread back. */
export function restoringNetns<T>(operation: string, action: () => T): T {
  const own = fileCall(operation, () => openSync(currentNetns, 'r'));
  try {
    return action();
  } finally {
    // A process that goes on in a namespace it does not believe to be in would program the wrong machine.
    if (libc().setns(own, CLONE_NEWNET) < 0) process.abort();
    closeSync(own);
  }
}

const isPromise = (value: unknown): boolean => typeof (value as { then?: unknown } | undefined)?.then === 'function';
