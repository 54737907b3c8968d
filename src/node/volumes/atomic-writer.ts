import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../base/errors.ts';

/**
 * Writes the files of a volume so that a reader sees all old ones or all new ones, by kubelet's layout: `..data` is a link to a
 * folder of this state, and each name a link through it.
 */
export function writeVolume(folder: string, files: ReadonlyMap<string, Buffer>, mode: number, state: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const current = `..${state}`;
  const before = linkOf(path.join(folder, '..data'));
  rmSync(path.join(folder, current), { recursive: true, force: true });
  for (const [name, content] of files) {
    const file = path.join(folder, current, name);
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, content);
    // The process's umask has no say in it.
    chmodSync(file, mode);
  }
  mkdirSync(path.join(folder, current), { recursive: true, mode: 0o755 });
  const temporary = path.join(folder, '..data_tmp');
  rmSync(temporary, { force: true });
  symlinkSync(current, temporary);
  renameSync(temporary, path.join(folder, '..data'));
  linkNames(folder, new Set([...files.keys()].map((name) => name.split('/')[0]!)));
  if (before !== undefined && before !== current) rmSync(path.join(folder, before), { recursive: true, force: true });
}

function linkNames(folder: string, names: ReadonlySet<string>): void {
  for (const name of readdirSync(folder))
    if (!name.startsWith('..') && !names.has(name)) rmSync(path.join(folder, name), { force: true });
  for (const name of names) {
    if (linkOf(path.join(folder, name)) === undefined) symlinkSync(path.join('..data', name), path.join(folder, name));
  }
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
