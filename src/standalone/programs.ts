import path from 'node:path';
import { clusterVariable } from '../node/mod.ts';
import type { ProcessSpec } from './supervisor.ts';

const entry = path.join(import.meta.dirname, '..', 'main.ts');

/** One of our own commands, run in a network namespace and marked as the cluster's. */
export function ownProgram(
  name: string,
  netnsPath: string,
  words: readonly string[],
  place: { readonly stateDir: string; readonly logDir: string },
): ProcessSpec {
  return {
    name,
    command: 'nsenter',
    args: [`--net=${netnsPath}`, '--', process.execPath, ...process.execArgv, entry, ...words],
    environment: { ...inherited(), [clusterVariable]: place.stateDir },
    logFile: path.join(place.logDir, `${name}.log`),
  };
}

/** What a child needs of our own environment; the rest (npm's, a user's proxies) would only leak into Pods. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TZ', 'NODE_COMPILE_CACHE'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
