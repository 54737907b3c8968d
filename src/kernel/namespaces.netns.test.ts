import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { isKernelError } from './errors.ts';
import { withNetns } from './namespace-switch.ts';
import {
  createNetns,
  deleteNetns,
  listNetns,
  netnsInode,
  netnsOfPid,
  netnsPath,
  processesIn,
  setSysctl,
} from './namespaces.ts';
import { processEnvironment, processStartTime } from './processes.ts';
import { createKernel } from './real.ts';

const nameOf = (suffix: string) => `t-kernel-${suffix}-${process.pid}`;

function temporaryNetns(t: TestContext, suffix: string): { name: string; path: string } {
  const name = nameOf(suffix);
  t.after(() => existsSync(netnsPath(name)) && deleteNetns(name));
  return { name, path: createNetns(name) };
}

const own = netnsOfPid(process.pid);
const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });

test('A namespace that we create is one to iproute2', (t) => {
  const { name, path } = temporaryNetns(t, 'ours');
  assert.ok(listNetns().includes(name));
  assert.match(ip('netns', 'list'), new RegExp(`^${name}\\b`, 'm'));
  assert.match(ip('netns', 'exec', name, 'ip', '-o', 'link'), /^1: lo: .*state DOWN/);
  assert.notEqual(netnsInode(path), own);
  assert.equal(netnsOfPid(process.pid), own);
  ip('netns', 'delete', name);
  assert.ok(!listNetns().includes(name));
});

test('A namespace that iproute2 has created is deleted by us', (t) => {
  const name = nameOf('theirs');
  t.after(() => existsSync(netnsPath(name)) && ip('netns', 'delete', name));
  ip('netns', 'add', name);
  deleteNetns(name);
  assert.ok(!existsSync(netnsPath(name)));
});

test('A name that is taken, missing or not a file name is refused', (t) => {
  const { name, path } = temporaryNetns(t, 'taken');
  const inode = netnsInode(path);
  assert.throws(() => createNetns(name), { message: `Create network namespace ${name}: EEXIST` });
  assert.equal(netnsInode(path), inode);
  const missing = nameOf('missing');
  assert.throws(() => deleteNetns(missing), { message: `Delete network namespace ${missing}: ENOENT` });
  for (const bad of ['', '.', '..', 'a/b', '../etc', 'x'.repeat(256)]) {
    assert.throws(() => createNetns(bad), { name: 'UsageError' });
    assert.throws(() => deleteNetns(bad), { name: 'UsageError' });
  }
});

test('A name without a namespace, left behind by a killed process, can be deleted', () => {
  const name = nameOf('half');
  closeSync(openSync(netnsPath(name), 'wx', 0));
  deleteNetns(name);
  assert.ok(!existsSync(netnsPath(name)));
});

test('An action runs inside, and the thread is back afterwards, also when it throws', (t) => {
  const { path } = temporaryNetns(t, 'enter');
  const inside = withNetns(path, () => netnsInode('/proc/thread-self/ns/net'));
  assert.equal(inside, netnsInode(path));
  assert.equal(netnsInode('/proc/thread-self/ns/net'), own);
  assert.throws(
    () =>
      withNetns(path, () => {
        throw new Error('from inside');
      }),
    /from inside/,
  );
  assert.equal(netnsInode('/proc/thread-self/ns/net'), own);
  assert.throws(
    () => withNetns('/etc/hostname', () => 1),
    (error) => isKernelError(error, 'EINVAL'),
  );
  assert.equal(netnsInode('/proc/thread-self/ns/net'), own);
});

test('An action that would go on later is refused', (t) => {
  const { path } = temporaryNetns(t, 'later');
  assert.throws(() => withNetns(path, async () => 1), /must be synchronous/);
  assert.equal(netnsInode('/proc/thread-self/ns/net'), own);
});

test('Nothing stays open, whether it went well or not', (t) => {
  const { name, path } = temporaryNetns(t, 'leak');
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  const attempts = [
    () => withNetns(path, () => {}),
    () => createKernel().openNetlink('route', { netns: path }).close(),
    () => createNetns(name),
    () => withNetns('/etc/hostname', () => {}),
    () => withNetns(path, () => assert.fail()),
    () => createKernel().openNetlink('route', { netns: '/etc/hostname' }),
    () => setSysctl(path, 'net.no.such', '1'),
  ];
  const failed = attempts.filter((attempt) => {
    try {
      attempt();
      return false;
    } catch {
      return true;
    }
  });
  assert.deepEqual(failed, attempts.slice(2));
  assert.equal(openFiles(), before);
});

test('A parameter is set in the namespace and nowhere else', (t) => {
  const { name, path } = temporaryNetns(t, 'sysctl');
  const read = (file: string) => ip('netns', 'exec', name, 'cat', file).trim();
  const forwarding = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
  const there = read('/proc/sys/net/ipv4/ip_forward');
  setSysctl(path, 'net.ipv4.ip_forward', there === '1' ? '0' : '1');
  assert.notEqual(read('/proc/sys/net/ipv4/ip_forward'), there);
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'), forwarding);
  setSysctl(path, 'net/ipv4/conf/lo/send_redirects', '0');
  assert.equal(read('/proc/sys/net/ipv4/conf/lo/send_redirects'), '0');
  assert.throws(() => setSysctl(path, 'net.ipv4.no_such', '1'), {
    message: `Set net.ipv4.no_such = 1 in ${path}: ENOENT`,
  });
});

test('Processes in a namespace are found, with start time and environment', async (t) => {
  const { name, path } = temporaryNetns(t, 'processes');
  assert.deepEqual(processesIn(path), []);
  const env = { PATH: process.env.PATH!, SIGNALBOX_TEST: 'a=b', EMPTY: '' };
  // exec keeps the pid, so that the child is the sleeping process itself.
  const child = spawn('ip', ['netns', 'exec', name, 'sleep', '1000'], { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await once(child, 'spawn');
  const pid = child.pid!;
  while (processesIn(path).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(processesIn(path), [pid]);
  const started = processStartTime(pid);
  assert.ok(started >= processStartTime(process.pid));
  assert.equal(processStartTime(pid), started);
  assert.partialDeepStrictEqual(processEnvironment(pid), { SIGNALBOX_TEST: 'a=b', EMPTY: '' });
  child.kill('SIGKILL');
  await ended;
  assert.throws(
    () => processStartTime(pid),
    (error) => isKernelError(error, 'ENOENT', 'ESRCH'),
  );
  assert.throws(
    () => processEnvironment(pid),
    (error) => isKernelError(error, 'ENOENT', 'ESRCH'),
  );
});
