import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

export interface WatchFileOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The file's text is another than it was. */
  readonly onChange: (text: string) => void;
}

/** Editors and the kubelet do several things in a row. */
const settleMs = 100;
/** What inotify does not tell of, on some network file systems for instance, is found in so long. */
const pollMs = 15_000;

/**
 * Follows a file by its folder, because a ConfigMap's volume does not change its files: it swings a symbolic link beside
 * them. While the file is away or cannot be read, nothing is reported. Returns what ends it.
 */
export function watchFile(path: string, options: WatchFileOptions): Cancel {
  const { clock, log, onChange } = options;
  let text = readOrNothing(path);
  let cancelTimer: Cancel = () => {};
  const look = () => {
    const found = readOrNothing(path);
    if (found !== undefined && found !== text) {
      text = found;
      onChange(found);
    }
    lookIn(pollMs);
  };
  const lookIn = (delayMs: number) => {
    cancelTimer();
    cancelTimer = clock.schedule(delayMs, look);
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), () => lookIn(settleMs));
    watcher.on('error', (error) => log.warn('Cannot watch the configuration file', { path, error: messageOf(error) }));
  } catch (error) {
    log.warn('Cannot watch the configuration file', { path, error: messageOf(error) });
  }
  lookIn(pollMs);
  return () => {
    cancelTimer();
    watcher?.close();
  };
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
