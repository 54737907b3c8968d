import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

/** `signalbox up` and `down` as a person runs them. Every cluster's name begins with `t-`, its state in a folder of ours. */
const command = path.join(import.meta.dirname, '..', '..', 'bin', 'signalbox');
const stateRoot = mkdtempSync(path.join(os.tmpdir(), 'signalbox-up-'));
const skip = process.getuid?.() === 0 ? false : 'needs root';

const children = new Set<ChildProcess>();

after(() => {
  for (const child of children) child.kill('SIGKILL');
  if (skip === false)
    for (const name of ['t-up', 't-up-2']) execFileSync(command, ['down', '--name', name, '--state-root', stateRoot]);
  rmSync(stateRoot, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  readonly output: () => string;
  /** Resolves once the text has been printed; rejects when the command ends without it. */
  printed(text: string): Promise<void>;
  readonly exited: Promise<number | NodeJS.Signals>;
}

function run(words: readonly string[], environment: NodeJS.ProcessEnv = process.env): Run {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  children.add(child);
  child.once('close', () => children.delete(child));
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  return {
    child,
    output: () => output,
    exited,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const check = () => output.includes(text) && resolve();
        listeners.add(check);
        check();
        void exited.then((code) => reject(new Error(`ended with ${code} before ${JSON.stringify(text)}:\n${output}`)));
      }),
  };
}

const up = (name: string, ...words: string[]) => run(['up', '--name', name, '--state-root', stateRoot, ...words]);

/** What a cluster of this name has on the machine. */
function traces(name: string): string[] {
  const links = readdirSync('/sys/class/net').filter((link) => link === `sb-${name}`);
  const namespaces = existsSync('/run/netns')
    ? readdirSync('/run/netns').filter((namespace) => namespace.startsWith(`sb-${name}.`))
    : [];
  const stateDir = path.join(stateRoot, name);
  const processes = readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(`SIGNALBOX_CLUSTER=${stateDir}\0`),
  );
  return [
    ...links,
    ...namespaces,
    ...processes.map((pid) => `process ${pid}`),
    ...(existsSync(stateDir) ? [stateDir] : []),
  ];
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

test('up --exit proves what it shows with real packets, exits with 0 and leaves nothing behind', { skip }, async () => {
  const rules = hostNetwork();
  const { exited, output } = up('t-up', '--exit');
  assert.equal(await exited, 0, output());
  assert.match(output(), /9 checks passed, 0 failed/);
  assert.deepEqual(traces('t-up'), []);
  assert.deepEqual(hostNetwork(), rules);
});

test('Ctrl-C ends a cluster and leaves nothing behind; a second one with another name is not touched', {
  skip,
}, async () => {
  const first = up('t-up', '--nodes', '1');
  const second = up('t-up-2', '--nodes', '1');
  await Promise.all([first, second].map(({ printed }) => printed('Ctrl-C ends the cluster')));
  first.child.kill('SIGINT');
  assert.equal(await first.exited, 0);
  assert.deepEqual(traces('t-up'), []);
  assert.ok(traces('t-up-2').length > 5);
  second.child.kill('SIGTERM');
  assert.equal(await second.exited, 0);
  assert.deepEqual(traces('t-up-2'), []);
});

test('Ctrl-C while a cluster starts leaves nothing behind', { skip }, async () => {
  const { child, exited, printed } = up('t-up', '--nodes', '2');
  await printed('fabric');
  child.kill('SIGINT');
  assert.equal(await exited, 130);
  assert.deepEqual(traces('t-up'), []);
});

test('a cluster whose output nobody reads any more, or whose terminal is closed, ends and leaves nothing behind', {
  skip,
}, async () => {
  const unread = up('t-up', '--nodes', '1');
  await unread.printed('fabric');
  unread.child.stdout?.destroy();
  assert.equal(await unread.exited, 130, unread.output());
  assert.deepEqual(traces('t-up'), []);

  const closed = up('t-up', '--nodes', '1');
  await closed.printed('Ctrl-C ends the cluster');
  // The kernel sends one, and the shell another.
  closed.child.kill('SIGHUP');
  closed.child.kill('SIGHUP');
  assert.equal(await closed.exited, 0, closed.output());
  assert.deepEqual(traces('t-up'), []);
});

test('a run killed with -9 is cleaned up by the next start, and by down; a running one is refused', {
  skip,
}, async () => {
  const killed = up('t-up', '--nodes', '1');
  await killed.printed('Ctrl-C ends the cluster');
  const refused = run(['down', '--name', 't-up', '--state-root', stateRoot]);
  assert.equal(await refused.exited, 2);
  assert.match(refused.output(), /Use cluster t-up: process \d+ is running it/);
  for (const command of ['up', 'down']) {
    const elsewhere = run([command, '--name', 't-up', '--state-root', path.join(stateRoot, 'elsewhere')]);
    assert.equal(await elsewhere.exited, 2);
    assert.match(elsewhere.output(), /Use cluster t-up: one of that name has its state in/);
  }
  killed.child.kill('SIGKILL');
  await killed.exited;
  assert.ok(traces('t-up').length > 5);

  const next = up('t-up', '--nodes', '1');
  await next.printed('Cleaned up after an earlier run');
  await next.printed('Ctrl-C ends the cluster');
  next.child.kill('SIGKILL');
  await next.exited;

  const down = run(['down', '--name', 't-up', '--state-root', stateRoot]);
  assert.equal(await down.exited, 0, down.output());
  assert.deepEqual(traces('t-up'), []);
});

test('a manifest that the API server refuses ends the start with its error, and nothing is left', {
  skip,
}, async () => {
  const file = path.join(stateRoot, 'bad.yaml');
  writeFileSync(file, 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: 80000\n');
  const { exited, output } = up('t-up', '--nodes', '1', '-f', file);
  assert.equal(await exited, 1);
  assert.match(output(), /Service "web" is invalid: .*spec\.ports\[0\]\.port: Invalid value: 80000/);
  assert.deepEqual(traces('t-up'), []);
});

const refusals: [string, string[], RegExp][] = [
  ['a name that no link can bear', ['up', '--name', 'Not_A_Name'], /Invalid --name "Not_A_Name"/],
  [
    'an unknown flag, with the nearest one',
    ['up', '--node', '3'],
    /unknown option '--node'\n\(Did you mean --nodes\?\)/,
  ],
  ['a number of nodes that is none', ['up', '--nodes', 'three'], /--nodes <count>.*'three' is invalid/],
  ['a manifest that is not there', ['up', '-f', '/nonexistent.yaml'], /Read \/nonexistent\.yaml: ENOENT/],
  ['an unknown command, with the nearest one', ['serve'], /unknown command 'serve'\n\(Did you mean server\?\)/],
  ['a kubeconfig that is not there', ['proxy', '--kubeconfig', '/nonexistent'], /\/nonexistent/],
];

for (const [title, words, message] of refusals) {
  test(`refused with exit code 2: ${title}`, { skip }, async () => {
    const { exited, output } = run(words);
    assert.equal(await exited, 2, output());
    assert.match(output(), message);
  });
}

test('without the rights of root, up says so and exits with 3', { skip }, () => {
  // Stays uid 0, so that a checkout in root's own folder can be read.
  const words = ['--bounding-set=-all', '--inh-caps=-all', command, 'up'];
  const { status, stderr } = spawnSync('setpriv', words, { encoding: 'utf8' });
  assert.equal(status, 3, stderr);
  assert.match(stderr, /signalbox up needs root/);
});

/** The host's own routes, links, rules and resolver, to see that they are what they were; links of tests and clusters aside. */
function hostNetwork(): string[] {
  const isForeign = (text: string) => /^(t-|sb-)/.test(text);
  const routes = readFileSync('/proc/net/route', 'utf8').split('\n');
  const links = readdirSync('/sys/class/net').sort();
  return [
    ...routes.filter((route) => !isForeign(route)),
    ...links.filter((link) => !isForeign(link)),
    spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).stdout ?? 'no nft here',
    readFileSync('/etc/resolv.conf', 'utf8'),
    readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  ];
}
