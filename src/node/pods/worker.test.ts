import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNotFound } from '../../client/mod.ts';
import { ConfigMap, Pod } from '../../kube/mod.ts';
import { conditionOf, container, createPodBench } from './harness.ts';

const isGone = (request: Promise<unknown>) => assert.rejects(request, isNotFound);

test('A Pod is started, reported Running and Ready, and its times are kept', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { containers: [container('web', 'run')] });
  const { status } = await bench.get('a');
  assert.equal(status?.phase, 'Running');
  assert.equal(status?.podIP, '192.0.2.1');
  assert.deepEqual(status?.podIPs, [{ ip: '192.0.2.1' }]);
  assert.equal(status?.hostIP, '192.0.2.10');
  assert.equal(status?.qosClass, 'BestEffort');
  assert.deepEqual(status?.conditions?.map(({ type, status: value }) => `${type}=${value}`).sort(), [
    'ContainersReady=True',
    'Initialized=True',
    'PodReadyToStartContainers=True',
    'PodScheduled=True',
    'Ready=True',
  ]);
  const [web] = status?.containerStatuses ?? [];
  assert.partialDeepStrictEqual(web, { ready: true, started: true, restartCount: 0, state: { running: {} } });
  assert.match(web?.containerID ?? '', /^fake:\/\//);
  assert.deepEqual(bench.events, ['Created: Created container: web', 'Started: Started container web']);

  const before = (await bench.get('a')).metadata.resourceVersion;
  await bench.pass(600);
  assert.equal((await bench.get('a')).metadata.resourceVersion, before);
});

test('What somebody else says of a Pod in the agent’s absence is put right when the agent sees it', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { containers: [container('web', 'run')] });
  const notReady = async () => {
    const pod = await bench.get('a');
    const conditions = pod.status!.conditions!.map((condition) =>
      condition.type === 'Ready' ? { type: 'Ready', status: 'False' as const, reason: 'NodeNotReady' } : condition,
    );
    await bench.client.updateStatus(Pod, { ...pod, status: { ...pod.status, conditions } });
  };
  await notReady();
  await bench.settle();
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
  // Also by an agent that has just started.
  await bench.manager.stop();
  await notReady();
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'False');
  await bench.restart();
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
});

test('An agent that was away for so long that it was called silent asks the readiness probe before it believes', async (t) => {
  const bench = await createPodBench(t);
  const probe = { exitCode: 0 };
  bench.runtime.programs.set('run', { exec: () => ({ exitCode: probe.exitCode, output: '' }) });
  const readinessProbe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 3 };
  await bench.create('a', { containers: [container('web', 'run', { readinessProbe })] });
  await bench.pass(1);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
  await bench.manager.stop();
  probe.exitCode = 1;
  const pod = await bench.get('a');
  const conditions = pod.status!.conditions!.map((condition) =>
    condition.type === 'Ready' ? { type: 'Ready', status: 'False' as const, reason: 'NodeNotReady' } : condition,
  );
  await bench.client.updateStatus(Pod, { ...pod, status: { ...pod.status, conditions } });
  await bench.restart();
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'False');
  probe.exitCode = 0;
  await bench.pass(1);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
});

test('Readiness: false until the probe says otherwise, and following it', async (t) => {
  const bench = await createPodBench(t);
  const probe = { exitCode: 1 };
  bench.runtime.programs.set('run', { exec: () => ({ exitCode: probe.exitCode, output: 'as told' }) });
  const readinessProbe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2 };
  await bench.create('a', { containers: [container('web', 'run', { readinessProbe })] });
  await bench.pass(5);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'False');
  assert.equal((await bench.get('a')).status?.phase, 'Running');
  probe.exitCode = 0;
  await bench.pass(1);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
  probe.exitCode = 1;
  await bench.pass(1);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
  await bench.pass(1);
  const pod = await bench.get('a');
  assert.equal(conditionOf(pod, 'Ready'), 'False');
  assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0);
  assert.ok(bench.events.includes('Unhealthy: Readiness probe failed: as told'));
});

test('Liveness: a container that fails it is ended and started anew, with the probe’s own grace period', async (t) => {
  const bench = await createPodBench(t);
  const probe = { exitCode: 0 };
  bench.runtime.programs.set('run', {
    exec: () => ({ exitCode: probe.exitCode, output: 'stuck' }),
    onTerminate: () => {},
  });
  const livenessProbe = {
    exec: { command: ['check'] },
    periodSeconds: 1,
    failureThreshold: 2,
    terminationGracePeriodSeconds: 3,
  };
  await bench.create('a', { containers: [container('web', 'run', { livenessProbe })] });
  await bench.pass(10);
  probe.exitCode = 1;
  await bench.pass(2);
  assert.deepEqual(bench.runtime.journal.slice(-1), ['signal a/web#0 SIGTERM']);
  await bench.pass(3);
  assert.deepEqual(bench.runtime.journal.slice(-2), ['signal a/web#0 SIGKILL', 'start a/web#1']);
  assert.ok(bench.events.includes('Killing: Container web failed liveness probe, will be restarted'));
  const [web] = (await bench.get('a')).status?.containerStatuses ?? [];
  assert.partialDeepStrictEqual(web, {
    restartCount: 1,
    lastState: { terminated: { exitCode: 137, reason: 'Error' } },
  });
});

test('A startup probe keeps the others waiting', async (t) => {
  const bench = await createPodBench(t);
  const asked: string[] = [];
  let exitCode = 1;
  bench.runtime.programs.set('run', {
    exec: ([word]) => {
      asked.push(word!);
      return { exitCode, output: '' };
    },
  });
  const probe = (word: string) => ({ exec: { command: [word] }, periodSeconds: 1, failureThreshold: 30 });
  const probes = { startupProbe: probe('s'), readinessProbe: probe('r'), livenessProbe: probe('l') };
  await bench.create('a', { containers: [container('web', 'run', probes)] });
  await bench.pass(3);
  assert.deepEqual([...new Set(asked)], ['s']);
  assert.partialDeepStrictEqual((await bench.get('a')).status?.containerStatuses?.[0], {
    started: false,
    ready: false,
  });
  exitCode = 0;
  asked.length = 0;
  await bench.pass(1.5);
  assert.deepEqual(asked.slice(0, 3), ['s', 'r', 'l']);
  assert.equal(asked.filter((word) => word === 's').length, 1);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
});

test('Restarts: at once, then after 10 s, 20 s, …, told as CrashLoopBackOff', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('crash', { onStart: ({ exit }) => exit(3) });
  await bench.create('a', { containers: [container('web', 'crash')] });
  const starts = () => bench.runtime.journal.filter((line) => line.startsWith('start a/web')).length;
  assert.equal(starts(), 2);
  const { status } = await bench.get('a');
  assert.equal(status?.phase, 'Running');
  assert.partialDeepStrictEqual(status?.containerStatuses?.[0], {
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=web pod=a' } },
    lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    restartCount: 1,
  });
  assert.equal(bench.events.filter((event) => event.startsWith('BackOff')).length, 1);
  await bench.pass(9);
  assert.equal(starts(), 2);
  await bench.pass(1);
  assert.equal(starts(), 3);
  await bench.pass(19);
  assert.equal(starts(), 3);
  await bench.pass(1);
  assert.equal(starts(), 4);
});

for (const [restartPolicy, code, phase, attempts] of [
  ['Never', 0, 'Succeeded', 1],
  ['Never', 1, 'Failed', 1],
  ['OnFailure', 0, 'Succeeded', 1],
  ['OnFailure', 1, 'Running', 2],
] as const) {
  test(`restartPolicy ${restartPolicy} and exit code ${code}: ${phase}`, async (t) => {
    const bench = await createPodBench(t);
    bench.runtime.programs.set('job', { onStart: ({ exit }) => exit(code) });
    await bench.create('a', { restartPolicy, containers: [container('job', 'job')] });
    const pod = await bench.get('a');
    assert.equal(pod.status?.phase, phase);
    assert.equal(bench.runtime.journal.filter((line) => line.startsWith('start a/job')).length, attempts);
    assert.equal(bench.runtime.get(pod.metadata.uid)?.ready, phase === 'Running');
    if (phase === 'Running') return;
    await bench.restart();
    assert.equal((await bench.get('a')).metadata.resourceVersion, pod.metadata.resourceVersion);
    await bench.remove('a');
    await isGone(bench.get('a'));
    assert.deepEqual(bench.runtime.list(), []);
  });
}

test('Init containers run one after the other, before the rest', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', {
    initContainers: [container('one', 'init'), container('two', 'init')],
    containers: [container('web', 'run')],
  });
  const started = () => bench.runtime.journal.filter((line) => line.startsWith('start a/'));
  assert.deepEqual(started(), ['start a/one#0']);
  const waiting = await bench.get('a');
  assert.equal(waiting.status?.phase, 'Pending');
  assert.equal(conditionOf(waiting, 'Initialized'), 'False');
  assert.equal(waiting.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  bench.runtime.container('a', 'one').exit(0);
  await bench.settle();
  bench.runtime.container('a', 'two').exit(1);
  await bench.settle();
  assert.deepEqual(started(), ['start a/one#0', 'start a/two#0', 'start a/two#1']);
  bench.runtime.container('a', 'two').exit(0);
  await bench.settle();
  assert.deepEqual(started().slice(-1), ['start a/web#0']);
  const running = await bench.get('a');
  assert.equal(conditionOf(running, 'Initialized'), 'True');
  assert.equal(conditionOf(running, 'Ready'), 'True');
  assert.deepEqual(
    running.status?.initContainerStatuses?.map(({ ready }) => ready),
    [true, true],
  );
});

test('An init container that fails for good fails the Pod', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('fail', { onStart: ({ exit }) => exit(1) });
  await bench.create('a', {
    restartPolicy: 'Never',
    initContainers: [container('one', 'fail')],
    containers: [container('web', 'run')],
  });
  assert.equal((await bench.get('a')).status?.phase, 'Failed');
  assert.deepEqual(bench.runtime.journal, ['start-sandbox a', 'start a/one#0', 'stop-sandbox a']);
});

test('A sidecar starts before the containers and is ended when they are through', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('job', { onTerminate: () => {} });
  await bench.create('a', {
    restartPolicy: 'Never',
    initContainers: [container('log', 'run', { restartPolicy: 'Always' })],
    containers: [container('job', 'job')],
  });
  assert.deepEqual(bench.runtime.journal, ['start-sandbox a', 'start a/log#0', 'start a/job#0']);
  bench.runtime.container('a', 'log').exit(1);
  await bench.settle();
  assert.deepEqual(bench.runtime.journal.slice(3), ['start a/log#1']);
  bench.runtime.container('a', 'job').exit(0);
  await bench.settle();
  assert.deepEqual(bench.runtime.journal.slice(4), ['signal a/log#1 SIGTERM', 'stop-sandbox a']);
  assert.equal((await bench.get('a')).status?.phase, 'Succeeded');
});

test('Deletion: preStop, SIGTERM, SIGKILL after the grace period, the sandbox, the last status, the object', async (t) => {
  const bench = await createPodBench(t);
  const asked: string[] = [];
  bench.runtime.programs.set('run', {
    onTerminate: () => {},
    exec: ([word]) => {
      asked.push(word!);
      return { exitCode: 0, output: '' };
    },
  });
  const timers = bench.clock.pendingTimers;
  const lifecycle = { preStop: { exec: { command: ['drain'] } } };
  await bench.create('a', { terminationGracePeriodSeconds: 20, containers: [container('web', 'run', { lifecycle })] });
  await bench.remove('a');
  assert.deepEqual(asked, ['drain']);
  assert.deepEqual(bench.runtime.journal.slice(2), ['signal a/web#0 SIGTERM']);
  const leaving = await bench.get('a');
  assert.ok(leaving.metadata.deletionTimestamp);
  assert.equal(conditionOf(leaving, 'Ready'), 'True');
  await bench.pass(19);
  assert.equal(bench.runtime.journal.length, 3);
  await bench.pass(1);
  assert.deepEqual(bench.runtime.journal.slice(3), ['signal a/web#0 SIGKILL', 'stop-sandbox a', 'remove-sandbox a']);
  await isGone(bench.get('a'));
  assert.ok(bench.events.includes('Killing: Stopping container web'));
  assert.equal(bench.clock.pendingTimers, timers);
});

test('A grace period can be shortened while it runs', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('run', { onTerminate: () => {} });
  await bench.create('a', { containers: [container('web', 'run')] });
  await bench.remove('a');
  await bench.pass(5);
  await bench.remove('a', 2);
  await bench.pass(2);
  await isGone(bench.get('a'));
});

test('A Pod that was deleted by force is ended all the same', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('run', { onTerminate: () => {} });
  await bench.create('a', { containers: [container('web', 'run')] });
  await bench.remove('a', 0);
  await isGone(bench.get('a'));
  await bench.pass(1);
  assert.deepEqual(bench.runtime.list(), []);
});

test('A new agent takes up what runs, without touching it or its status', async (t) => {
  const bench = await createPodBench(t);
  const readinessProbe = { exec: { command: ['check'] } };
  await bench.create('a', { containers: [container('web', 'run', { readinessProbe })] });
  await bench.pass(1);
  const before = await bench.get('a');
  assert.equal(conditionOf(before, 'Ready'), 'True');
  const journal = [...bench.runtime.journal];
  await bench.restart();
  await bench.pass(30);
  assert.deepEqual(bench.runtime.journal, journal);
  assert.equal((await bench.get('a')).metadata.resourceVersion, before.metadata.resourceVersion);
});

test('A Pod that was deleted while no agent ran is taken down', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { containers: [container('web', 'run')] });
  await bench.create('b', { containers: [container('web', 'run')] });
  await bench.manager.stop();
  await bench.client.delete(Pod, 'a', { namespace: 'default', gracePeriodSeconds: 0 });
  await bench.restart();
  assert.deepEqual(
    bench.runtime.list().map(({ config }) => config.podName),
    ['b'],
  );
  assert.equal(bench.runtime.journal.filter((line) => line === 'signal a/web#0 SIGTERM').length, 1);
});

test('After the loss of all processes a Pod starts again, and its restarts go on counting', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { containers: [container('web', 'run')] });
  const { uid } = (await bench.get('a')).metadata;
  await bench.manager.stop();
  await bench.runtime.removeSandbox(uid);
  await bench.restart();
  assert.partialDeepStrictEqual((await bench.get('a')).status?.containerStatuses?.[0], {
    restartCount: 1,
    state: { running: {} },
    lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } },
  });
});

test('A sandbox that dies is replaced, with a new address and all containers anew', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('init', { onStart: ({ exit }) => exit(0) });
  await bench.create('a', { initContainers: [container('one', 'init')], containers: [container('web', 'run')] });
  bench.runtime.crashSandbox('a');
  await bench.settle();
  const { status } = await bench.get('a');
  assert.equal(status?.podIP, '192.0.2.2');
  assert.deepEqual(bench.runtime.journal.slice(3), ['start-sandbox a', 'start a/one#1', 'start a/web#1']);
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
});

test('A sandbox that cannot be made is tried again, and said so', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.sandboxError = 'no address left';
  await bench.create('a', { containers: [container('web', 'run')] });
  assert.equal((await bench.get('a')).status?.phase, 'Pending');
  assert.deepEqual(bench.events, ['FailedCreatePodSandBox: Start the sandbox of Pod a: no address left']);
  await bench.pass(2);
  assert.equal((await bench.get('a')).status?.phase, 'Running');
});

test('An unknown image is refused with the names that are known', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { containers: [{ name: 'web', image: 'nginx:1.27' }] });
  const waiting = (await bench.get('a')).status?.containerStatuses?.[0]?.state?.waiting;
  assert.equal(waiting?.reason, 'ErrImagePull');
  assert.match(waiting?.message ?? '', /"nginx:1\.27"; there are serve_hostname, .*or give the container a command/);
  await bench.pass(10);
  const later = (await bench.get('a')).status?.containerStatuses?.[0]?.state?.waiting;
  assert.equal(later?.reason, 'ImagePullBackOff');
});

test('A program that cannot be started counts as an attempt that failed', async (t) => {
  const bench = await createPodBench(t);
  bench.runtime.programs.set('missing', { startError: 'exec: "missing": not found' });
  await bench.create('a', { restartPolicy: 'Never', containers: [container('web', 'missing')] });
  const { status } = await bench.get('a');
  assert.equal(status?.phase, 'Failed');
  assert.partialDeepStrictEqual(status?.containerStatuses?.[0]?.state?.terminated, {
    exitCode: 128,
    reason: 'StartError',
  });
});

test('A missing ConfigMap keeps the container waiting until it is there', async (t) => {
  const bench = await createPodBench(t);
  const env = [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'paint', key: 'colour' } } }];
  await bench.create('a', { containers: [container('web', 'run', { env, args: ['$(COLOUR)'] })] });
  assert.partialDeepStrictEqual((await bench.get('a')).status?.containerStatuses?.[0]?.state?.waiting, {
    reason: 'CreateContainerConfigError',
    message: 'Set variable COLOUR: configmap "paint" not found',
  });
  await bench.client.create(ConfigMap, { metadata: { name: 'paint', namespace: 'default' }, data: { colour: 'red' } });
  await bench.pass(10);
  const { config } = bench.runtime.container('a', 'web');
  assert.equal(config.environment.COLOUR, 'red');
  assert.deepEqual(config.command, ['run', 'red']);
});

test('The built-in program is ready when it listens, not before', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { containers: [{ name: 'web', image: 'k8s.gcr.io/serve_hostname' }] });
  assert.equal((await bench.get('a')).status?.phase, 'Running');
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'False');
});

test('activeDeadlineSeconds ends the Pod as failed', async (t) => {
  const bench = await createPodBench(t);
  await bench.create('a', { activeDeadlineSeconds: 60, containers: [container('web', 'run')] });
  await bench.pass(60);
  const { status } = await bench.get('a');
  assert.equal(status?.phase, 'Failed');
  assert.equal(status?.reason, 'DeadlineExceeded');
  assert.deepEqual(bench.runtime.journal.slice(2), ['signal a/web#0 SIGTERM', 'stop-sandbox a']);
});

test('Conditions of others are left alone, and a readiness gate is heeded', async (t) => {
  const bench = await createPodBench(t);
  const readinessGates = [{ conditionType: 'example.com/balanced' }];
  await bench.create('a', { readinessGates, containers: [container('web', 'run')] });
  assert.equal(conditionOf(await bench.get('a'), 'ContainersReady'), 'True');
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'False');
  const pod = await bench.get('a');
  const gate = { type: 'example.com/balanced', status: 'True' as const };
  const status = { ...pod.status, conditions: [...(pod.status?.conditions ?? []), gate] };
  await bench.client.updateStatus(Pod, { ...pod, status });
  await bench.settle();
  assert.equal(conditionOf(await bench.get('a'), 'Ready'), 'True');
  assert.equal(conditionOf(await bench.get('a'), 'example.com/balanced'), 'True');
});
