import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isPodError } from '../errors.ts';
import type { ContainerConfig, ContainerExit, Runtime, SandboxConfig } from './port.ts';

/** What a runtime has to bring along: commands that behave as named. */
export interface SuiteCommands {
  /** Runs until SIGTERM, then ends. */
  readonly runs: readonly string[];
  /** Takes no notice of SIGTERM. */
  readonly stubborn: readonly string[];
  readonly exitsWith7: readonly string[];
  readonly missing: readonly string[];
  /** For `exec`. */
  readonly answersHello: readonly string[];
  readonly failsWith3: readonly string[];
  readonly hangs: readonly string[];
}

/** Every runtime is held to this. */
export function runtimeSuite(
  title: string,
  create: (t: TestContext) => Promise<Runtime>,
  commands: SuiteCommands,
): void {
  const check = (name: string, body: (runtime: Runtime, t: TestContext) => Promise<void>) =>
    test(`${title}: ${name}`, async (t) => body(await create(t), t));

  check('a sandbox is ready with an address, and another one has another', async (runtime) => {
    const [a, b] = [await runtime.startSandbox(sandboxConfig('a')), await runtime.startSandbox(sandboxConfig('b'))];
    assert.equal(a.ready, true);
    assert.ok(a.address && b.address);
    assert.notEqual(a.address, b.address);
    assert.deepEqual(
      runtime
        .list()
        .map(({ config }) => config.podUid)
        .sort(),
      ['a', 'b'],
    );
  });

  check('a container runs until it is told to end', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    const { id } = await runtime.startContainer('a', containerConfig(commands.runs));
    assert.deepEqual(exitOf(runtime, id), undefined);
    const ended = whenEnded(runtime, id);
    runtime.signalContainer('a', id, 'SIGTERM');
    assert.equal((await ended).code, 143);
    runtime.signalContainer('a', id, 'SIGTERM');
  });

  check('SIGKILL ends all of a container', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    const { id } = await runtime.startContainer('a', containerConfig(commands.stubborn));
    const ended = whenEnded(runtime, id);
    runtime.signalContainer('a', id, 'SIGKILL');
    assert.equal((await ended).code, 137);
  });

  check('the exit code is kept, and the attempt before the newest', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    for (const attempt of [0, 1, 2]) {
      const { id } = await runtime.startContainer('a', { ...containerConfig(commands.exitsWith7), attempt });
      assert.equal((await whenEnded(runtime, id)).code, 7);
    }
    assert.deepEqual(
      runtime.get('a')?.containers.map(({ attempt, exit }) => [attempt, exit?.code]),
      [
        [1, 7],
        [2, 7],
      ],
    );
  });

  check('a program that is not there is an error of the start', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    await assert.rejects(runtime.startContainer('a', containerConfig(commands.missing)), (error) =>
      isPodError(error, 'start'),
    );
    assert.deepEqual(runtime.get('a')?.containers, []);
  });

  check('exec answers with output and exit code, and is killed when its time is over', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    const { id } = await runtime.startContainer('a', containerConfig(commands.runs));
    const run = (command: readonly string[], timeoutMs: number) => runtime.exec('a', id, command, { timeoutMs });
    assert.deepEqual(await run(commands.answersHello, 10_000), { exitCode: 0, output: 'hello\n' });
    assert.equal((await run(commands.failsWith3, 10_000)).exitCode, 3);
    assert.equal((await run(commands.hangs, 100)).exitCode, undefined);
  });

  check('exec in a container that has ended says so', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    const { id } = await runtime.startContainer('a', containerConfig(commands.exitsWith7));
    await whenEnded(runtime, id);
    await assert.rejects(runtime.exec('a', id, commands.answersHello, { timeoutMs: 1000 }), (error) =>
      isPodError(error, 'gone'),
    );
  });

  check('a stopped sandbox has ended containers, and can be replaced', async (runtime) => {
    const first = await runtime.startSandbox(sandboxConfig('a'));
    const { id } = await runtime.startContainer('a', containerConfig(commands.stubborn));
    await runtime.stopSandbox('a');
    await runtime.stopSandbox('a');
    assert.equal(runtime.get('a')?.ready, false);
    assert.equal(exitOf(runtime, id)?.code, 137);
    await assert.rejects(runtime.startContainer('a', containerConfig(commands.runs)), (error) =>
      isPodError(error, 'gone'),
    );
    const second = await runtime.startSandbox(sandboxConfig('a'));
    assert.equal(second.ready, true);
    assert.notEqual(second.address, first.address);
    assert.equal(second.containers.length, 1);
  });

  check('a removed sandbox is forgotten', async (runtime) => {
    await runtime.startSandbox(sandboxConfig('a'));
    await runtime.startContainer('a', containerConfig(commands.runs));
    await runtime.removeSandbox('a');
    await runtime.removeSandbox('a');
    assert.deepEqual(runtime.list(), []);
    assert.equal(runtime.get('a'), undefined);
  });
}

export const sandboxConfig = (podUid: string, more: Partial<SandboxConfig> = {}): SandboxConfig => ({
  podUid,
  podNamespace: 'default',
  podName: `pod-${podUid}`,
  hostname: `pod-${podUid}`,
  hostNetwork: false,
  dns: { nameservers: ['10.96.0.10'], searches: ['svc.cluster.local'], options: ['ndots:5'] },
  hostAliases: [],
  terminationGracePeriodSeconds: 30,
  ...more,
});

export const containerConfig = (
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ContainerConfig => ({ name: 'main', attempt: 0, image: 'none', command, environment });

const exitOf = (runtime: Runtime, id: string): ContainerExit | undefined =>
  runtime
    .list()
    .flatMap(({ containers }) => containers)
    .find((container) => container.id === id)?.exit;

/** Resolves when the container has ended. */
export function whenEnded(runtime: Runtime, id: string): Promise<ContainerExit> {
  return new Promise((resolve) => {
    const check = () => {
      const exit = exitOf(runtime, id);
      if (exit) resolve(exit);
    };
    runtime.onChange(check);
    check();
  });
}
