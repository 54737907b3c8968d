import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { PodError } from '../../errors.ts';

/** What a container finds on its PATH when its environment does not say. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Finds out before anything is started what execvp(3) would find out in the container, where nobody could tell a
 * missing program from one that exits with 127.
 */
export function checkExecutable(operation: string, program: string, searchPath: string, workingDir: string): void {
  if (!isDirectory(workingDir)) throw new PodError(operation, 'start', `workingDir ${workingDir} is not a directory`);
  const candidates = program.includes('/')
    ? [path.resolve(workingDir, program)]
    : searchPath.split(':').map((folder) => path.resolve(workingDir, folder, program));
  if (candidates.some(isExecutable)) return;
  const state = program.includes('/') ? 'no such executable file' : 'executable file not found in $PATH';
  throw new PodError(operation, 'start', `exec: ${JSON.stringify(program)}: ${state}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const isDirectory = (folder: string) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
