import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const address = '192.0.2.1';
const name = 'kubernetes.default.svc.cluster.local';
const giveUpMs = 60_000;
const skip =
  process.getuid?.() !== 0 ? 'needs root' : !existsSync('/usr/bin/dig') ? 'dig is not on the PATH' : (false as const);

async function until(title: string, look: () => Promise<boolean> | boolean, log: () => string): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`Not in ${giveUpMs} ms: ${title}\n${log()}`);
    await wait(20);
  }
}

/** A machine of its own with one address, which is the only name server of its resolv.conf. */
function machine(t: TestContext) {
  const netns = `t-takeover-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-takeover-'));
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  execFileSync('ip', ['-n', netns, 'address', 'add', `${address}/32`, 'dev', 'lo']);
  // What a server has not accepted yet when it closes goes to the other one that listens there.
  execFileSync('ip', ['netns', 'exec', netns, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/tcp_migrate_req']);
  const running = new Set<ChildProcess>();
  t.after(async () => {
    for (const child of running) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    execFileSync('ip', ['netns', 'del', netns]);
    rmSync(folder, { recursive: true });
  });
  const start = (...words: string[]) => {
    const child = spawn('ip', ['netns', 'exec', netns, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
    });
    return { child, log: () => log };
  };
  const signalbox = (...words: string[]) => start(join(root, 'bin', 'signalbox'), ...words);
  const run = async (...words: string[]): Promise<string> => {
    const found = await promisify(execFile)('ip', ['netns', 'exec', netns, ...words]).catch((error) => error);
    return String(found.stdout ?? '').trim();
  };
  return { folder, start, signalbox, run };
}

interface Lookup {
  readonly addresses?: readonly string[];
  readonly error?: string;
}

test('a server takes over the address of another one, of another configuration: no lookup of glibc or dig is lost', {
  skip,
}, async (t) => {
  const { folder, start, signalbox, run } = machine(t);
  const kubeconfig = join(folder, 'admin.kubeconfig');
  const api = signalbox('server', '--store', 'memory', '--data-dir', folder, '--advertise-address', address);
  await until('the API server has its kubeconfig', () => existsSync(kubeconfig), api.log);

  const corefile = join(folder, 'Corefile');
  writeFileSync(
    corefile,
    `.:53 {\n bind ${address}\n ready 127.0.0.1:8202\n health 127.0.0.1:8302 {\n lameduck 1s\n }\n kubernetes cluster.local {\n kubeconfig ${kubeconfig}\n ttl 30\n }\n}\n`,
  );
  const byFlags = (readyPort: number) => [
    ...['--kubeconfig', kubeconfig, '--listen', `${address}:53`, '--lame-duck', '1s'],
    ...['--ready-address', `127.0.0.1:${readyPort}`],
  ];
  const generations = [
    { words: byFlags(8201), readyPort: 8201 },
    { words: ['--conf', corefile], readyPort: 8202 },
    { words: byFlags(8203), readyPort: 8203 },
    { words: ['--conf', corefile], readyPort: 8202 },
  ];
  const isReady = async (port: number) => (await run('curl', '-s', `http://127.0.0.1:${port}/ready`)) === 'OK';
  const [first, ...successors] = generations;
  let serving = signalbox('dns', ...first!.words);
  await until('the first server is ready', () => isReady(first!.readyPort), serving.log);

  const refused = signalbox('dns', ...byFlags(8299));
  const [code] = await once(refused.child, 'exit');
  assert.equal(code, 1, refused.log());
  assert.match(refused.log(), /Listen on TCP 192\.0\.2\.1:53: .*EADDRINUSE/);

  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(resolvConf, `nameserver ${address}\n`);
  const program = join(root, 'src', 'standalone', 'programs', 'traffic.ts');
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  const lookups: Lookup[] = [];
  const client = start(
    ...['unshare', '--mount', 'sh', '-c', script, 'sh', resolvConf],
    ...[process.execPath, '--disable-warning=ExperimentalWarning', program, 'names', '5', name],
  );
  createInterface({ input: client.child.stdout! }).on('line', (line) => lookups.push(JSON.parse(line)));
  const answered = (count: number) => {
    const wanted = lookups.length + count;
    return until(`${count} lookups more`, () => lookups.length >= wanted, client.log);
  };
  let isOver = false;
  const dug = { udp: [] as string[], tcp: [] as string[] };
  const digs = (['udp', 'tcp'] as const).map(async (over) => {
    // One datagram each time: a lost one shows.
    const words = over === 'udp' ? ['+notcp', '+tries=1', '+time=30'] : ['+tcp', '+time=30'];
    while (!isOver) dug[over].push(await run('dig', `@${address}`, '+short', ...words, name));
  });

  await answered(50);
  for (const { words, readyPort } of successors) {
    const next = signalbox('dns', ...words, '--take-over');
    await until('the next server is ready', () => isReady(readyPort), next.log);
    await answered(50);
    serving.child.kill('SIGTERM');
    if (serving.child.exitCode === null) await once(serving.child, 'exit');
    assert.equal(serving.child.exitCode, 0, serving.log());
    serving = next;
    await answered(50);
  }
  client.child.stdin!.end();
  await once(client.child, 'exit');
  isOver = true;
  await Promise.all(digs);
  const lost = lookups.filter(({ addresses }) => addresses?.join() !== '10.96.0.1');
  assert.deepEqual(lost, [], `of ${lookups.length}`);
  for (const [over, answers] of Object.entries(dug)) {
    assert.deepEqual(new Set(answers), new Set(['10.96.0.1']), `${over}: ${answers.length}`);
  }
});
