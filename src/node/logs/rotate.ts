import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

/**
 * A container writes its log by itself, with O_APPEND, so that it needs nobody; therefore nobody can ask it to open
 * another file. The log is rotated under it: the filled part is copied out, and then given back to the file system as
 * a hole (fallocate(2), FALLOC_FL_PUNCH_HOLE). The file's length goes on growing, its blocks do not, and a line that is
 * written meanwhile lands behind what is copied: none is lost.
 *
 * `0.log.000000000000` holds the bytes from offset 0, `0.log.000010485760` the following, …: the names say where a copy
 * begins and its length where the next one does, so a crash at any point neither loses nor doubles a line.
 */
export interface RotationLimits {
  /** A log is rotated when so much has been written since the last time; kubelet's containerLogMaxSize is 10 MiB. */
  readonly maxBytes: number;
  /** Including the live file; kubelet's containerLogMaxFiles is 5. */
  readonly maxFiles: number;
}

export const defaultLimits: RotationLimits = { maxBytes: 10 * 1024 * 1024, maxFiles: 5 };

export interface LogSegment {
  readonly file: string;
  /** Of its first byte in all that the container has ever written. */
  readonly offset: number;
}

/** Copies that rotation has made of the log, oldest first. */
export function rotatedSegments(log: string): LogSegment[] {
  const prefix = `${path.basename(log)}.`;
  const folder = path.dirname(log);
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /^\d{12,}$/.test(name.slice(prefix.length)))
    .map((name) => ({ file: path.join(folder, name), offset: Number(name.slice(prefix.length)) }))
    .sort((a, b) => a.offset - b.offset);
}

/** Where the part of the live file begins that no copy has. */
export function liveOffset(segments: readonly LogSegment[]): number {
  const last = segments.at(-1);
  return last ? last.offset + statSync(last.file).size : 0;
}

/**
 * Whether the log was rotated. Throws when the file system cannot punch holes: no line is lost by that, but no space
 * won either.
 */
export function rotateLog(log: string, limits: RotationLimits): boolean {
  const segments = rotatedSegments(log);
  const start = liveOffset(segments);
  const { size } = statSync(log);
  if (size - start < limits.maxBytes) return false;
  const end = lastLineEnd(log, start, size);
  // The hole that an attempt before a crash may not have come to; and where holes cannot be, no further copy is made.
  punchHole(log, start);
  const copy = `${log}.${String(start).padStart(12, '0')}`;
  copyRange(log, `${copy}.tmp`, start, end);
  renameSync(`${copy}.tmp`, copy);
  punchHole(log, end);
  const kept = Math.max(1, limits.maxFiles - 1);
  for (const { file } of [...segments, { file: copy }].slice(0, -kept)) rmSync(file, { force: true });
  return true;
}

/** A segment ends with a line, unless there is no line end in all of it. */
function lastLineEnd(log: string, start: number, size: number): number {
  const window = Math.min(size - start, 64 * 1024);
  const bytes = Buffer.alloc(window);
  const fd = openSync(log, 'r');
  try {
    readSync(fd, bytes, 0, window, size - window);
  } finally {
    closeSync(fd);
  }
  const newline = bytes.lastIndexOf(0x0a);
  return newline < 0 ? size : size - window + newline + 1;
}

function copyRange(from: string, to: string, start: number, end: number): void {
  const chunk = Buffer.alloc(1024 * 1024);
  const source = openSync(from, 'r');
  const target = openSync(to, 'w', 0o640);
  try {
    for (let position = start; position < end; ) {
      const length = readSync(source, chunk, 0, Math.min(chunk.length, end - position), position);
      if (length === 0) throw new Error(`${from} ends at ${position}, before ${end}`);
      writeSync(target, chunk, 0, length);
      position += length;
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** Gives back the blocks of everything before `end`. */
function punchHole(log: string, end: number): void {
  if (end > 0) execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', String(end), log]);
}
