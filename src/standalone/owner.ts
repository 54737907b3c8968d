import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, UsageError } from '../base/errors.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './processes.ts';

/** What a cluster's owner file says: who runs it, and what it takes to find the rest of it again. */
export interface Owner extends ProcessIdentity {
  readonly subnet: string;
  readonly nodes: number;
}

const fileName = 'owner.json';

/** The owner that the state folder names, alive or not; undefined when there is no readable one. */
export function readOwner(stateDir: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path.join(stateDir, fileName), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function writeOwner(stateDir: string, facts: { subnet: string; nodes: number }): void {
  makeStateRoot(path.dirname(stateDir));
  mkdirSync(stateDir, { mode: 0o700 });
  const owner: Owner = { ...ownIdentity(), ...facts };
  writeFileSync(path.join(stateDir, fileName), `${JSON.stringify(owner)}\n`);
}

/** Refuses to touch a cluster whose owner is alive. */
export function demandNoOwner(name: string, stateDir: string): void {
  const owner = readOwner(stateDir);
  if (!owner || !isAlive(owner) || owner.pid === process.pid) return;
  throw new UsageError(
    `Use cluster ${name}`,
    `process ${owner.pid} is running it`,
    `End that process (kill ${owner.pid}), or choose another --name.`,
  );
}

/** Names of all clusters that left a state folder. */
export function clusterNames(stateRoot: string): string[] {
  try {
    return readdirSync(stateRoot)
      .filter((name) => name !== rootMark)
      .sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Lies in the folder of all clusters where we have made that folder ourselves. */
const rootMark = '.made-by-signalbox';

function makeStateRoot(stateRoot: string): void {
  if (mkdirSync(stateRoot, { recursive: true, mode: 0o755 }) === undefined) return;
  writeFileSync(path.join(stateRoot, rootMark), '');
}

/** The folder that all clusters share goes with the last of them; one that somebody else has made stays. */
export function removeStateRoot(stateRoot: string): void {
  const mark = path.join(stateRoot, rootMark);
  if (!existsSync(mark) || clusterNames(stateRoot).length > 0) return;
  rmSync(mark, { force: true });
  try {
    rmdirSync(stateRoot);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    // Another cluster has just moved in: whoever is the last removes the folder.
    if (codeOf(error) !== 'ENOTEMPTY') throw error;
    writeFileSync(mark, '');
  }
}
