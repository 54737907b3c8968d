import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { codeOf } from '../base/errors.ts';

/**
 * Replaces the file by rename(2): a reader, also after our death in between, finds the old text or the new one. Not
 * synced to disk: what stands in these files describes processes, and those do not outlive the machine's crash either.
 */
export function writeAtomic(file: string, text: string): void {
  const temporary = `${file}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, file);
}

/** The file's text, or undefined when there is no such file. */
export function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
