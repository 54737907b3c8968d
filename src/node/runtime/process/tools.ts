import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../../base/errors.ts';

const toolNames = ['env', 'mkfifo', 'mount', 'nsenter', 'setsid', 'sh', 'sleep', 'unshare'] as const;

/** Absolute paths: what a container's PATH says must not decide which `mount` its start uses. */
export type Tools = Readonly<Record<(typeof toolNames)[number], string>>;

/** @param searchPath as PATH has it */
export function findTools(searchPath: string): Tools {
  const found = Object.fromEntries(toolNames.map((name) => [name, findTool(name, searchPath)]));
  const missing = toolNames.filter((name) => found[name] === undefined);
  if (missing.length > 0) {
    throw new UsageError(
      'Start the process runtime',
      `${missing.join(', ')} not found in ${searchPath}`,
      'Install util-linux, coreutils and mount',
    );
  }
  return found as Tools;
}

function findTool(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(':')
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
