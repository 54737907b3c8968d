import type { Logger } from '../base/log.ts';

/**
 * A mistake of ours in one request or one controller must not end a process on which all others rely: it is logged, and
 * work goes on. What is kept is in the store, whole; controllers decide anew from what they see.
 */
export function outliveMistakes(log: Logger): void {
  const report = (error: unknown) =>
    log.error('A mistake in the program', { error: error instanceof Error ? error.stack : String(error) });
  process.on('uncaughtException', report);
  process.on('unhandledRejection', report);
  // A log that nobody reads any more is no reason either, and not to be reported there.
  process.stderr.on('error', () => {});
}
