import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, UsageError } from '../base/errors.ts';
import { isAlive, ownIdentity, type ProcessIdentity, runningStateDirs } from './processes.ts';

const fileName = 'owner.json';

/** The process that runs the cluster of this state folder, alive or not; undefined when none is named. */
function readOwner(stateDir: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path.join(stateDir, fileName), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Makes the cluster's state folder ours. Throws UsageError when another process has just done so. */
export function claim(name: string, stateDir: string): void {
  makeStateRoot(path.dirname(stateDir));
  try {
    mkdirSync(stateDir, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new UsageError(`Use cluster ${name}`, 'somebody else is just starting it', 'Choose another --name.');
  }
  writeFileSync(path.join(stateDir, fileName), `${JSON.stringify(ownIdentity())}\n`);
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

/** Namespaces and link bear only the name: refuses when they are those of a cluster with its state elsewhere. */
export function demandNoNamesake(name: string, stateDir: string): void {
  const other = [...runningStateDirs()].find((dir) => path.basename(dir) === name && dir !== stateDir);
  if (other === undefined) return;
  throw new UsageError(
    `Use cluster ${name}`,
    `one of that name has its state in ${other}`,
    `Choose another --name, or end that one (signalbox down --name ${name} --state-root ${path.dirname(other)}).`,
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
