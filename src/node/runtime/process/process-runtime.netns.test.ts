import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../base/clock.ts';
import { ping } from '../../../kernel/mod.ts';
import { destroyAll } from '../../destroy.ts';
import type { ContainerStatus, Runtime, SandboxConfig } from '../port.ts';
import { containerConfig, runtimeSuite, sandboxConfig, whenEnded } from '../runtime.suite.ts';
import { defaultPath } from './executable.ts';
import { createTestNode, createTestRuntime, markedProcesses, type TestNode } from './harness.ts';
import { clusterVariable, launch } from './launch.ts';
import { PodDirectory, sandboxProcess } from './pod-directory.ts';
import { sandboxCommand } from './scripts.ts';
import { findTools } from './tools.ts';

const sh = (script: string) => ['sh', '-c', script];

runtimeSuite('Process runtime', async (t) => (await createTestRuntime(t, createTestNode(t))).runtime, {
  runs: ['sleep', 'infinity'],
  stubborn: sh('trap "" TERM; sleep infinity & wait; sleep infinity'),
  exitsWith7: sh('exit 7'),
  missing: ['/nonexistent/program'],
  answersHello: ['echo', 'hello'],
  failsWith3: sh('exit 3'),
  hangs: sh('sleep infinity & sleep infinity'),
});

async function setUp(t: TestContext, config: Partial<SandboxConfig> = {}) {
  const node = createTestNode(t);
  const { runtime, network } = await createTestRuntime(t, node);
  await runtime.startSandbox(sandboxConfig('a', config));
  return { node, runtime, network };
}

/** What a command prints that runs as a container of its own. */
async function outputOf(
  { runtime, node }: { runtime: Runtime; node: TestNode },
  command: readonly string[],
  environment: Record<string, string> = {},
): Promise<string> {
  const attempt = (runtime.get('a')?.containers.at(-1)?.attempt ?? -1) + 1;
  const container = await runtime.startContainer('a', { ...containerConfig(command, environment), attempt });
  await whenEnded(runtime, container.id);
  return readFileSync(logOf(node, container), 'utf8');
}

const logOf = ({ stateDir }: TestNode, { name, attempt }: ContainerStatus, uid = 'a') =>
  path.join(stateDir, 'pods', `default_pod-${uid}_${uid}`, name, `${attempt}.log`);

test('A Pod has its own host name, resolver, hosts and processes; the machine keeps its own', async (t) => {
  const before = ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'].map((file) => readFileSync(file, 'utf8'));
  const pod = await setUp(t, {
    hostAliases: [{ ip: '192.0.2.7', hostnames: ['printer', 'printer.example'] }],
    fullyQualifiedName: 'pod-a.web.default.svc.cluster.local',
  });
  const address = pod.runtime.get('a')?.address;
  assert.equal(address, '10.244.1.2');
  assert.equal(await outputOf(pod, sh('hostname; cat /etc/hostname')), 'pod-a\npod-a\n');
  assert.equal(
    await outputOf(pod, ['cat', '/etc/resolv.conf']),
    'search svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
  );
  const hosts = await outputOf(pod, ['cat', '/etc/hosts']);
  assert.match(hosts, /^10\.244\.1\.2\tpod-a\.web\.default\.svc\.cluster\.local\tpod-a$/m);
  assert.match(hosts, /^192\.0\.2\.7\tprinter\tprinter\.example$/m);
  const processes = await outputOf(pod, sh('ls /proc | grep "^[0-9]" | wc -l; readlink /proc/self/exe; echo $$'));
  const [seen, , own] = processes.trim().split('\n').map(Number);
  assert.ok(seen! < 10 && own! < 20, processes);
  assert.deepEqual(
    ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'].map((file) => readFileSync(file, 'utf8')),
    before,
  );
});

test('The Pod network: a /32, the way by the node, loopback, and both directions', async (t) => {
  const pod = await setUp(t);
  await pod.runtime.startSandbox(sandboxConfig('b'));
  type Link = { addr_info: { local: string; prefixlen: number }[] };
  const links: Link[] = JSON.parse(await outputOf(pod, ['ip', '-4', '-json', 'address']));
  const addresses = links.flatMap((link) => link.addr_info).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  assert.deepEqual(addresses, ['127.0.0.1/8', '10.244.1.2/32']);
  assert.equal(
    await outputOf(pod, sh('ip -4 route | sed "s/ *$//"')),
    'default via 10.244.1.1 dev eth0 proto static\n10.244.1.1 dev eth0 proto static scope link\n',
  );
  const inside = `/proc/${sandboxProcess(pod.node.stateDir, 'default', 'pod-a')}/ns/net`;
  assert.equal(await ping(inside, '10.244.1.1', 5000), true);
  assert.equal(await ping(inside, '10.244.1.3', 5000), true);
  assert.equal(await ping(pod.node.netns, '10.244.1.2', 5000), true);
  // The neighbour was reached by way of the node, not over the wire.
  const neighbours = JSON.parse(await outputOf(pod, ['ip', '-4', '-json', 'neighbour']));
  assert.deepEqual(
    neighbours.map(({ dst }: { dst: string }) => dst),
    ['10.244.1.1'],
  );
});

test('/sys shows the links of the Pod, and the cgroups of the machine', async (t) => {
  const pod = await setUp(t);
  assert.equal(await outputOf(pod, ['ls', '/sys/class/net']), 'eth0\nlo\n');
  assert.equal(
    await outputOf(pod, ['ls', '/sys/fs/cgroup']),
    execFileSync('ls', ['/sys/fs/cgroup'], { encoding: 'utf8' }),
  );
  assert.notEqual(execFileSync('ls', ['/sys/class/net'], { encoding: 'utf8' }), 'eth0\nlo\n');
});

test('A machine that lacks files in /etc gives Pods theirs all the same', async (t) => {
  const node = createTestNode(t);
  const directory = new PodDirectory(path.join(node.stateDir, 'pods', 'default_bare_u'));
  const tools = findTools(defaultPath);
  directory.prepareSandbox({ hosts: 'bare hosts\n', 'resolv.conf': 'bare resolver\n', hostname: 'bare\n' });
  const config = { hostname: 'bare', hostNetwork: false };
  const sandbox = sandboxCommand(tools, directory.path, config, ['resolv.conf', 'hosts', 'hostname']);
  const etc = 'mount -t tmpfs none /etc; echo left >/etc/hosts; echo kept >/etc/other; ln -s nowhere /etc/resolv.conf';
  await launch({
    command: [
      tools.unshare,
      '--mount',
      '--propagation',
      'private',
      tools.sh,
      '-c',
      `${etc}; exec "$@"`,
      'sh',
      ...sandbox,
    ],
    environment: { PATH: defaultPath, [clusterVariable]: node.name },
    expect: 'ready',
  });
  const cat = (name: string) =>
    execFileSync('nsenter', ['--target', String(directory.pause?.pid), '--mount', 'cat', `/etc/${name}`], {
      encoding: 'utf8',
    });
  assert.deepEqual(['hosts', 'resolv.conf', 'hostname', 'other'].map(cat), [
    'bare hosts\n',
    'bare resolver\n',
    'bare\n',
    'kept\n',
  ]);
});

test('Containers may be called as they like', async (t) => {
  const pod = await setUp(t);
  for (const name of ['pause', 'alive', 'etc', 'hosts']) {
    const { id } = await pod.runtime.startContainer('a', { ...containerConfig(['echo', name]), name });
    assert.equal((await whenEnded(pod.runtime, id)).code, 0);
  }
});

test('A hostNetwork Pod uses the namespace of the agent, with a host name and resolver of its own', async (t) => {
  const node = createTestNode(t);
  const { runtime } = await createTestRuntime(t, node);
  const { address } = await runtime.startSandbox(sandboxConfig('a', { hostNetwork: true, hostname: 'node1' }));
  assert.equal(address, undefined);
  const own = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' });
  assert.equal(await outputOf({ runtime, node }, sh('readlink /proc/self/ns/net')), own);
  assert.equal(await outputOf({ runtime, node }, ['hostname']), 'node1\n');
  assert.match(await outputOf({ runtime, node }, ['cat', '/etc/resolv.conf']), /^nameserver 10\.96\.0\.10$/m);
});

test('A container gets the environment it was given, and signals as programs expect them', async (t) => {
  const pod = await setUp(t);
  const environment = { PATH: '/usr/bin:/bin', log: 'mine', name: 'x y', 'my.key-1': 'dotted', EMPTY: '' };
  const output = await outputOf(pod, ['env', '-0'], environment);
  const seen = Object.fromEntries(
    output
      .split('\0')
      .filter(Boolean)
      .map((entry) => entry.split(/=(.*)/s).slice(0, 2)),
  );
  assert.deepEqual(seen, { ...environment, PWD: '/', SIGNALBOX_CLUSTER: pod.node.name });
  const ignored = await outputOf(pod, sh('grep -E "^Sig(Ign|Blk)" /proc/self/status'));
  assert.deepEqual(ignored.match(/[0-9a-f]{16}/g), ['0000000000000000', '0000000000000000']);
  // Neither our /proc nor the FIFO; what the agent itself has inherited is not its doing.
  const open = await outputOf(pod, sh('readlink /proc/self/fd/3 /proc/self/fd/4'));
  assert.equal(open, '');
});

test('Orphans in the Pod are reaped, and the end of a program is the end of all it started', async (t) => {
  const pod = await setUp(t);
  await outputOf(pod, sh('setsid sleep 4711 & setsid sh -c "sleep 0.01 & exit" & exit 0'));
  // With `nsenter`, a process that becomes an orphan in the Pod's own PID namespace.
  const pause = sandboxProcess(pod.node.stateDir, 'default', 'pod-a')!;
  const enter = ['--target', String(pause), '--pid', '--mount', '--'];
  execFileSync('nsenter', [...enter, 'sh', '-c', '(sleep 0.01 &)']);
  await until(() => {
    const left = execFileSync('nsenter', [...enter, 'ps', '-eo', 'stat,args'], { encoding: 'utf8' });
    return !left.includes('sleep 4711') && !left.includes('sleep 0.01') && !/^Z/m.test(left);
  });
});

test('Running containers outlive the agent; a new one adopts them and finds the exit codes', async (t) => {
  const { node, runtime, network } = await setUp(t);
  const marker = path.join(node.stateDir, 'go');
  const script = `while [ ! -e ${marker} ]; do sleep 0.01; done; exit 9`;
  const staying = await runtime.startContainer('a', { ...containerConfig(sh('sleep infinity')), name: 'staying' });
  const ending = await runtime.startContainer('a', { ...containerConfig(sh(script)), name: 'ending' });
  const address = runtime.get('a')?.address;
  await runtime.close();
  network.close();
  execFileSync('touch', [marker]);
  const exitFile = path.join(node.stateDir, 'pods', 'default_pod-a_a', 'ending', '0', 'exit');
  await until(() => existsSync(exitFile) && readFileSync(exitFile, 'utf8') === '9\n');

  const next = (await createTestRuntime(t, node)).runtime;
  // Its init may still be on its way out, though it has noted the code.
  await until(() => next.get('a')?.containers.find(({ id }) => id === ending.id)?.exit !== undefined);
  const adopted = next.get('a');
  assert.equal(adopted?.ready, true);
  assert.equal(adopted?.address, address);
  assert.deepEqual(
    adopted?.containers.map(({ id, exit, startedAtMs }) => [id, exit?.code, startedAtMs]),
    [
      [staying.id, undefined, staying.startedAtMs],
      [ending.id, 9, ending.startedAtMs],
    ],
  );
  const ended = whenEnded(next, staying.id);
  next.signalContainer('a', staying.id, 'SIGTERM');
  assert.equal((await ended).code, 143);
});

test('A sandbox that dies by itself is noticed, with all that ran in it', async (t) => {
  const { node, runtime } = await setUp(t);
  const { id } = await runtime.startContainer('a', containerConfig(['sleep', 'infinity']));
  const ended = whenEnded(runtime, id);
  process.kill(sandboxProcess(node.stateDir, 'default', 'pod-a')!, 'SIGKILL');
  assert.equal((await ended).code, 137);
  await until(() => runtime.get('a')?.ready === false);
});

test('A sandbox that cannot be made leaves nothing behind and says why', async (t) => {
  const node = createTestNode(t);
  const { runtime } = await createTestRuntime(t, node, '10.244.1.0/30');
  await runtime.startSandbox(sandboxConfig('a'));
  await assert.rejects(runtime.startSandbox(sandboxConfig('b')), /all 1 of 10\.244\.1\.0\/30 are in use/);
  assert.equal(runtime.get('b')?.ready ?? false, false);
});

test('Removing Pods leaves no process, link, address or file', async (t) => {
  const { node, runtime } = await setUp(t);
  await runtime.startSandbox(sandboxConfig('b'));
  for (const uid of ['a', 'b']) await runtime.startContainer(uid, containerConfig(sh('sleep infinity & wait')));
  assert.ok(markedProcesses(node.name).length >= 6);
  for (const uid of ['a', 'b']) await runtime.removeSandbox(uid);
  assert.deepEqual(markedProcesses(node.name), []);
  const links = JSON.parse(execFileSync('ip', ['-n', node.name, '-json', 'link'], { encoding: 'utf8' }));
  assert.deepEqual(
    links.map(({ ifname }: { ifname: string }) => ifname),
    ['lo', 'cbr0'],
  );
  assert.deepEqual(execFileSync('ls', [path.join(node.stateDir, 'pods')], { encoding: 'utf8' }), '');
  const { byPod } = JSON.parse(readFileSync(path.join(node.stateDir, 'addresses.json'), 'utf8'));
  assert.deepEqual(byPod, {});
});

test('destroyAll ends everything that a dead agent left running, and only that', async (t) => {
  const { node, runtime } = await setUp(t);
  const { name, attempt } = await runtime.startContainer('a', containerConfig(['sleep', 'infinity']));
  await runtime.close();
  const initFile = path.join(node.stateDir, 'pods', 'default_pod-a_a', name, String(attempt), 'init');
  assert.ok(existsSync(initFile));
  const bystander = await createTestRuntime(t, createTestNode(t));
  await bystander.runtime.startSandbox(sandboxConfig('x'));
  await destroyAll(node.stateDir, systemClock);
  assert.deepEqual(markedProcesses(node.name), []);
  assert.equal(existsSync(node.stateDir), false);
  assert.equal(bystander.runtime.get('x')?.ready, true);
});

/** Waits for a condition; the test runner's own timeout is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

test('A container sees its volumes, read-only where it is said so, and nobody else does', async (t) => {
  const pod = await setUp(t);
  const folder = mkdtempSync(path.join(tmpdir(), "t-node-volume 'x'-"));
  const target = `/tmp/${path.basename(folder)}.mount`;
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(target, { recursive: true, force: true });
  });
  writeFileSync(path.join(folder, 'token'), 'secret');
  const run = async (attempt: number, readOnly: boolean, script: string) => {
    const config = { ...containerConfig(sh(script)), attempt, mounts: [{ source: folder, target, readOnly }] };
    const container = await pod.runtime.startContainer('a', config);
    await whenEnded(pod.runtime, container.id);
    return readFileSync(logOf(pod.node, container), 'utf8');
  };
  const quoted = `'${target.replaceAll("'", "'\\''")}'`;
  const script = `cat ${quoted}/token; echo more 2>/dev/null >${quoted}/new && echo written || echo refused`;
  assert.equal(await run(0, true, script), 'secretrefused\n');
  assert.equal(await run(1, false, script), 'secretwritten\n');
  assert.deepEqual(readdirSync(target), [], 'the machine sees an empty folder');
  const config = {
    ...containerConfig(sh('exit')),
    attempt: 2,
    mounts: [{ source: folder, target: '/nowhere/x', readOnly: true }],
  };
  await assert.rejects(
    pod.runtime.startContainer('a', config),
    /mount point \/nowhere\/x does not exist on this machine/,
  );
});
