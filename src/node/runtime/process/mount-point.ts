import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmdirSync } from 'node:fs';
import path from 'node:path';

/** Folders that end with the machine's uptime: what is made there is nobody's to clean up. */
const shortLived = ['/run', '/tmp'];

/**
 * Makes an empty folder to mount over, where a container of another runtime would have its own file system. On the machine's
 * disk nothing is made: throws, saying so.
 */
export function ensureMountPoint(target: string): void {
  if (existsSync(target)) return;
  const parent = existingParent(target);
  const real = realpathSync(parent);
  if (!shortLived.some((folder) => real === folder || real.startsWith(`${folder}/`)))
    throw new Error(`mount point ${target} does not exist on this machine; make it, or use one below /run`);
  mkdirSync(target, { recursive: true, mode: 0o755 });
}

function existingParent(target: string): string {
  const parent = path.dirname(target);
  return existsSync(parent) ? parent : existingParent(parent);
}

const accountFolders = ['/run/secrets/kubernetes.io/serviceaccount', '/run/secrets/kubernetes.io', '/run/secrets'];

/**
 * Takes away the folders over which ServiceAccount tokens were mounted, where nobody uses them: removing one over which another
 * namespace has something mounted would take that mount away, too (umount2(2) is then the kernel's own).
 */
export function removeAccountMountPoint(): void {
  if (isMountedSomewhere(accountFolders[0]!)) return;
  for (const folder of accountFolders) {
    try {
      rmdirSync(folder);
    } catch {
      // Not there, or not empty: then it is somebody else's.
      if (existsSync(folder)) return;
    }
  }
}

function isMountedSomewhere(folder: string): boolean {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${folder} `);
    } catch {
      // It has ended in between.
      return false;
    }
  });
}
