import { OperatingError } from '../../base/errors.ts';
import type { Entry } from '../port.ts';

/**
 * A snapshot of a store as text, a JSON object a line: a header, what keys hold, files that go with them, and a seal with
 * the SHA-256 of all lines before it. Whatever was cut off or changed is not taken for a snapshot.
 */
export type SnapshotLine =
  | {
      readonly type: 'snapshot';
      readonly format: number;
      /** The state after this revision of the store it was taken from. */
      readonly revision: number;
      /** RFC 3339. */
      readonly takenAt: string;
    }
  | { readonly type: 'entry'; readonly key: string; readonly value: string }
  /** All entries have been told. */
  | { readonly type: 'entries'; readonly count: number }
  /** `pki/ca.crt`, below the server's folder. */
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly type: 'seal'; readonly sha256: string };

export const snapshotFormat = 1;

export const encodeLine = (line: SnapshotLine): string => `${JSON.stringify(line)}\n`;

export const entryLine = ({ key, value }: Entry): string => encodeLine({ type: 'entry', key, value });

export const notASnapshot = (file: string, state: string): OperatingError =>
  new OperatingError(`Read the backup ${file}`, 'damaged', state);

/** Throws OperatingError `damaged` for what is no line of a snapshot that this release can read. */
export function decodeLine(text: string, file: string, number: number): SnapshotLine {
  const fail = (state: string): never => {
    throw notASnapshot(file, `line ${number} ${state}`);
  };
  let line: Partial<Record<string, unknown>>;
  try {
    line = JSON.parse(text) ?? {};
  } catch {
    return fail('is not JSON');
  }
  const kind = String(line.type);
  if (!Object.hasOwn(fields, kind)) fail('is of no kind that is known');
  for (const [field, type] of Object.entries(fields[kind]!))
    if (typeof line[field] !== type) fail(`has no ${type} ${field}`);
  if (line.type === 'snapshot' && line.format !== snapshotFormat)
    fail(`has format ${line.format}, this release reads ${snapshotFormat}`);
  if (line.type === 'file' && !/^pki\/[\w.-]+$/.test(String(line.path)))
    fail(`has the path ${JSON.stringify(line.path)}, which is none of pki/`);
  return line as SnapshotLine;
}

const fields: Readonly<Record<string, Readonly<Record<string, 'string' | 'number'>>>> = {
  snapshot: { format: 'number', revision: 'number', takenAt: 'string' },
  entry: { key: 'string', value: 'string' },
  entries: { count: 'number' },
  file: { path: 'string', mode: 'number', text: 'string' },
  seal: { sha256: 'string' },
};
