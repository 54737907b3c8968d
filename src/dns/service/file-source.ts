import { globSync, readFileSync } from 'node:fs';
import type { FileSource } from '../corefile/mod.ts';

/** The machine's files. */
export const machineFiles = (environment: FileSource['environment']): FileSource => ({
  environment,
  read: (path) => readFileSync(path, 'utf8'),
  glob: (pattern) => globSync(pattern).sort(),
});

/** Notes what is read, so that two readings can be compared even where the second one ends with a mistake. */
export class NotingSource implements FileSource {
  readonly environment: FileSource['environment'];
  readonly #source: FileSource;
  readonly #notes: string[] = [];

  constructor(source: FileSource) {
    this.#source = source;
    this.environment = source.environment;
  }

  /** All that was found, in order. */
  get signature(): string {
    return this.#notes.join('\0');
  }

  read(path: string): string {
    try {
      const text = this.#source.read(path);
      this.#notes.push(path, text);
      return text;
    } catch (error) {
      this.#notes.push(path, String(error));
      throw error;
    }
  }

  glob(pattern: string): readonly string[] {
    const paths = this.#source.glob(pattern);
    this.#notes.push(pattern, ...paths);
    return paths;
  }
}
