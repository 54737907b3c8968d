import { closeSync, mkdirSync, openSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { isKernelError } from './errors.ts';
import { checked, fileCall, libc, retried } from './libc.ts';
import { CLONE_NEWNET, currentNetns, restoringNetns, withNetns } from './namespace-switch.ts';

/**
 * Where iproute2 keeps named network namespaces: each is a file with the namespace bind-mounted over it. Ours are the
 * same, so that `ip netns exec NAME …` works with them and `ip netns delete` cleans up after us.
 */
export const netnsDirectory = '/run/netns';

export const netnsPath = (name: string): string => join(netnsDirectory, name);

/** include/uapi/linux/mount.h */
const MountFlag = { bind: 0x1000, recursive: 0x4000, shared: 0x100000 } as const;
const MNT_DETACH = 2;
/** include/uapi/asm-generic/fcntl.h; closing the descriptor unlocks. */
const LOCK_EX = 2;
const EINVAL = 22;

/** Creates an empty namespace (its `lo` is down) and returns its path. Throws KernelError, EEXIST when the name is taken. */
export function createNetns(name: string): string {
  const operation = `Create network namespace ${name}`;
  const path = checkedPath(operation, name);
  shareDirectory(operation);
  fileCall(operation, () => closeSync(openSync(path, 'wx', 0o000)));
  try {
    restoringNetns(operation, () => {
      checked(operation, libc().unshare(CLONE_NEWNET));
      checked(operation, libc().mount(currentNetns, path, 'none', MountFlag.bind));
    });
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
  return path;
}

/**
 * Takes the name away; the namespace itself goes when its last process and socket have gone. Whoever made it, us or
 * `ip`. Throws KernelError, ENOENT when there is none of that name.
 */
export function deleteNetns(name: string): void {
  const operation = `Delete network namespace ${name}`;
  const path = checkedPath(operation, name);
  const unmounted = libc().umount2(path, MNT_DETACH);
  // EINVAL: a file without a namespace, which a process that was killed inside createNetns leaves behind.
  if (unmounted !== -EINVAL) checked(operation, unmounted);
  fileCall(operation, () => unlinkSync(path));
}

/** Names in alphabetical order, those of other programs included. */
export function listNetns(): string[] {
  try {
    return fileCall('List network namespaces', () => readdirSync(netnsDirectory)).sort();
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Inode number of the namespace that `path` names: the same for all paths to the same namespace. */
export const netnsInode = (path: string): number =>
  fileCall(`Look at network namespace ${path}`, () => statSync(path).ino);

/** Inode number of a process's network namespace. Throws KernelError, ENOENT when there is no such process. */
export const netnsOfPid = (pid: number): number => netnsInode(`/proc/${pid}/ns/net`);

/**
 * Sets a kernel parameter of a network namespace: `setSysctl(path, 'net.ipv4.ip_forward', '1')`. As with sysctl(8),
 * a name whose first separator is a slash keeps its dots: `net/ipv4/conf/eth0.100/forwarding`.
 */
export function setSysctl(netns: string, name: string, value: string): void {
  // What /proc/sys/net shows depends on the thread that opens it.
  withNetns(netns, () =>
    fileCall(`Set ${name} = ${value} in ${netns}`, () => writeFileSync(sysctlPath(name), `${value}\n`)),
  );
}

const sysctlPath = (name: string): string =>
  join('/proc/sys', /^[^./]*\//.test(name) ? name : name.replaceAll(/[./]/g, (mark) => (mark === '.' ? '/' : '.')));

/**
 * Processes whose main thread is in the namespace, in order of their numbers. One that starts or ends meanwhile may be
 * missing or gone, and so may those of others that this user must not look at.
 */
export function processesIn(netns: string): number[] {
  const wanted = netnsInode(netns);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => netnsOfProcess(pid) === wanted)
    .sort((a, b) => a - b);
}

function netnsOfProcess(pid: number): number | undefined {
  try {
    return netnsOfPid(pid);
  } catch (error) {
    if (isKernelError(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

function checkedPath(operation: string, name: string): string {
  if (name === '' || name === '.' || name === '..' || basename(name) !== name || Buffer.byteLength(name) > 255) {
    throw new UsageError(operation, 'the name must be a file name without slashes, of 255 bytes at most');
  }
  return netnsPath(name);
}

/**
 * As iproute2 does: the directory becomes a shared mount of its own, so that a namespace that one mount namespace
 * unmounts (`ip netns delete`) does not live on in the copies that others have. Under iproute2's own lock, because two
 * at a time would mount it twice and each hide the other's namespaces.
 */
function shareDirectory(operation: string): void {
  fileCall(operation, () => mkdirSync(netnsDirectory, { recursive: true, mode: 0o755 }));
  const directory = fileCall(operation, () => openSync(netnsDirectory, 'r'));
  try {
    checked(
      operation,
      retried(() => libc().flock(directory, LOCK_EX)),
    );
    const share = () => libc().mount('', netnsDirectory, 'none', MountFlag.shared | MountFlag.recursive);
    const shared = share();
    if (shared !== -EINVAL) {
      checked(operation, shared);
      return;
    }
    // EINVAL: not a mount point yet.
    checked(operation, libc().mount(netnsDirectory, netnsDirectory, 'none', MountFlag.bind | MountFlag.recursive));
    checked(operation, share());
  } finally {
    closeSync(directory);
  }
}
