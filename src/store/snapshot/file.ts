import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf, OperatingError } from '../../base/errors.ts';
import { decodeLine, encodeLine, notASnapshot, type SnapshotLine } from './format.ts';

export interface Summary {
  readonly revision: number;
  readonly takenAt: string;
  readonly entries: number;
  readonly files: readonly string[];
  /** By what the key names: `core/services`. */
  readonly kinds: ReadonlyMap<string, number>;
}

/**
 * Writes a sealed snapshot: nobody but its owner may read it, and there is no file, or the old one, until it is whole
 * and on the disk. Throws OperatingError.
 */
export async function writeSnapshot(
  file: string,
  pieces: AsyncIterable<string>,
  files: readonly (SnapshotLine & { type: 'file' })[],
): Promise<Summary> {
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await rm(unfinished, { force: true });
    await writeSealed(await open(unfinished, 'wx', 0o600), pieces, files);
    const summary = await checkSnapshot(unfinished);
    await rename(unfinished, file);
    await syncFolder(path.dirname(file));
    return summary;
  } catch (error) {
    await rm(unfinished, { force: true });
    if (error instanceof OperatingError) throw error;
    throw new OperatingError(`Write the backup ${file}`, codeOf(error) ?? 'failed', messageOf(error), error);
  }
}

async function writeSealed(
  handle: FileHandle,
  pieces: AsyncIterable<string>,
  files: readonly SnapshotLine[],
): Promise<void> {
  try {
    const hash = createHash('sha256');
    const write = async (text: string) => {
      hash.update(text);
      await handle.writeFile(text);
    };
    for await (const piece of pieces) await write(piece);
    for (const line of files) await write(encodeLine(line));
    await handle.writeFile(encodeLine({ type: 'seal', sha256: hash.digest('hex') }));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/** Reads all of it. Throws OperatingError: `damaged` unless it is a whole snapshot. */
export async function checkSnapshot(file: string): Promise<Summary> {
  let header: (SnapshotLine & { type: 'snapshot' }) | undefined;
  let told: number | undefined;
  let entries = 0;
  const files: string[] = [];
  const kinds = new Map<string, number>();
  const hash = createHash('sha256');
  let seal: string | undefined;
  for await (const { line, text } of readLines(file)) {
    if (seal !== undefined) throw notASnapshot(file, 'there is something behind its seal');
    if (!header && line.type !== 'snapshot') throw notASnapshot(file, 'it does not begin with a header');
    if (line.type === 'snapshot') header = line;
    else if (line.type === 'entry') {
      entries++;
      const kind = line.key.split('/').slice(2, 4).join('/');
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    } else if (line.type === 'entries') told = line.count;
    else if (line.type === 'file') files.push(line.path);
    else seal = line.sha256;
    if (line.type !== 'seal') hash.update(`${text}\n`);
  }
  if (!header || seal === undefined) throw notASnapshot(file, 'its end is missing');
  if (seal !== hash.digest('hex')) throw notASnapshot(file, 'it is not what was sealed: its SHA-256 is another');
  if (told !== entries) throw notASnapshot(file, `it has ${entries} entries where ${told ?? 'no number'} were told`);
  return { revision: header.revision, takenAt: header.takenAt, entries, files, kinds };
}

/** The lines of a snapshot, one by one. Throws OperatingError. */
export async function* readSnapshot(file: string): AsyncGenerator<SnapshotLine> {
  for await (const { line } of readLines(file)) yield line;
}

async function* readLines(file: string): AsyncGenerator<{ line: SnapshotLine; text: string }> {
  let number = 0;
  try {
    for await (const text of splitLines(createReadStream(file, 'utf8')))
      yield { line: decodeLine(text, file, ++number), text };
  } catch (error) {
    if (error instanceof OperatingError) throw error;
    throw new OperatingError(`Read the backup ${file}`, codeOf(error) ?? 'failed', messageOf(error), error);
  }
}

/** At line feeds and nowhere else: node:readline also takes U+2028, which stands in JSON as it is. */
async function* splitLines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}
