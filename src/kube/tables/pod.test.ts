import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pod } from '../mod.ts';
import { tableOf } from './table.ts';

const nowMs = Date.UTC(2026, 0, 1, 0, 5);
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' };

interface PodCase {
  readonly name: string;
  readonly spec?: object;
  readonly status?: object;
  readonly deleted?: boolean;
  /** READY, STATUS, RESTARTS */
  readonly row: readonly [string, string, string];
}

const running = (fields: object = {}) => ({
  name: 'a',
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...fields,
});
const waiting = (reason: string, fields: object = {}) =>
  running({ ready: false, state: { waiting: { reason } }, ...fields });
const ended = (terminated: object, fields: object = {}) => running({ ready: false, state: { terminated }, ...fields });
const died = (finishedAt: string) => ({ lastState: { terminated: { exitCode: 1, finishedAt } } });
const init = (...names: string[]) => ({ containers: [{ name: 'a' }], initContainers: names.map((name) => ({ name })) });
const sidecar = { containers: [{ name: 'a' }], initContainers: [{ name: 's', restartPolicy: 'Always' }] };

const cases: PodCase[] = [
  { name: 'not yet placed', status: { phase: 'Pending' }, row: ['0/1', 'Pending', '0'] },
  { name: 'without any status', row: ['0/1', '', '0'] },
  {
    name: 'held back',
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    row: ['0/1', 'SchedulingGated', '0'],
  },
  {
    name: 'being made',
    status: { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] },
    row: ['0/1', 'ContainerCreating', '0'],
  },
  { name: 'running', status: { phase: 'Running', containerStatuses: [running()] }, row: ['1/1', 'Running', '0'] },
  {
    name: 'running, not ready',
    status: { phase: 'Running', containerStatuses: [running({ ready: false })] },
    row: ['0/1', 'Running', '0'],
  },
  {
    name: 'restarted',
    status: { phase: 'Running', containerStatuses: [running({ restartCount: 2, ...died('2026-01-01T00:00:00Z') })] },
    row: ['1/1', 'Running', '2 (5m ago)'],
  },
  {
    name: 'restarted, nobody knows when',
    status: { phase: 'Running', containerStatuses: [running({ restartCount: 2 })] },
    row: ['1/1', 'Running', '2'],
  },
  {
    name: 'crashing',
    status: {
      phase: 'Running',
      containerStatuses: [waiting('CrashLoopBackOff', { restartCount: 3, ...died('2026-01-01T00:04:00Z') })],
    },
    row: ['0/1', 'CrashLoopBackOff', '3 (60s ago)'],
  },
  {
    name: "of two, the first one's reason counts",
    spec: { containers: [{ name: 'a' }, { name: 'b' }] },
    status: {
      phase: 'Running',
      containerStatuses: [waiting('CrashLoopBackOff'), ended({ exitCode: 1, reason: 'Error' })],
    },
    row: ['0/2', 'CrashLoopBackOff', '0'],
  },
  {
    name: 'ended well',
    status: { phase: 'Succeeded', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' })] },
    row: ['0/1', 'Completed', '0'],
  },
  {
    name: 'one ended, one runs',
    spec: { containers: [{ name: 'a' }, { name: 'b' }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), running()],
    },
    row: ['1/2', 'Running', '0'],
  },
  {
    name: 'one ended, one runs, not ready',
    spec: { containers: [{ name: 'a' }, { name: 'b' }] },
    status: { phase: 'Running', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), running()] },
    row: ['1/2', 'NotReady', '0'],
  },
  {
    name: 'ended with a code',
    status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 3 })] },
    row: ['0/1', 'ExitCode:3', '0'],
  },
  {
    name: 'ended by a signal',
    status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, signal: 9 })] },
    row: ['0/1', 'Signal:9', '0'],
  },
  { name: 'evicted', status: { phase: 'Failed', reason: 'Evicted' }, row: ['0/1', 'Evicted', '0'] },
  {
    name: 'being deleted',
    deleted: true,
    status: { phase: 'Running', containerStatuses: [running()] },
    row: ['1/1', 'Terminating', '0'],
  },
  {
    name: 'deleted, but ended before',
    deleted: true,
    status: { phase: 'Succeeded', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' })] },
    row: ['0/1', 'Completed', '0'],
  },
  {
    name: 'deleted on a lost node',
    deleted: true,
    status: { phase: 'Running', reason: 'NodeLost' },
    row: ['0/1', 'Unknown', '0'],
  },
  {
    name: 'at the first of two init containers',
    spec: init('i', 'j'),
    status: {
      phase: 'Pending',
      initContainerStatuses: [running({ name: 'i', ready: false }), waiting('PodInitializing', { name: 'j' })],
      containerStatuses: [waiting('PodInitializing')],
    },
    row: ['0/1', 'Init:0/2', '0'],
  },
  {
    name: 'at the second of two init containers',
    spec: init('i', 'j'),
    status: {
      phase: 'Pending',
      initContainerStatuses: [ended({ exitCode: 0 }, { name: 'i' }), running({ name: 'j', ready: false })],
      containerStatuses: [waiting('PodInitializing')],
    },
    row: ['0/1', 'Init:1/2', '0'],
  },
  {
    name: 'with an init container that crashes',
    spec: init('i'),
    status: { phase: 'Pending', initContainerStatuses: [waiting('CrashLoopBackOff', { name: 'i', restartCount: 2 })] },
    row: ['0/1', 'Init:CrashLoopBackOff', '2'],
  },
  {
    name: 'with an init container that failed',
    spec: init('i'),
    status: { phase: 'Pending', initContainerStatuses: [ended({ exitCode: 1 }, { name: 'i' })] },
    row: ['0/1', 'Init:ExitCode:1', '0'],
  },
  {
    name: 'with an init container that erred',
    spec: init('i'),
    status: { phase: 'Failed', initContainerStatuses: [ended({ exitCode: 1, reason: 'Error' }, { name: 'i' })] },
    row: ['0/1', 'Init:Error', '0'],
  },
  {
    name: 'past its init containers, whose restarts no longer count',
    spec: init('i'),
    status: {
      phase: 'Running',
      initContainerStatuses: [ended({ exitCode: 0 }, { name: 'i', restartCount: 5 })],
      containerStatuses: [running()],
    },
    row: ['1/1', 'Running', '0'],
  },
  {
    name: 'with a sidecar',
    spec: sidecar,
    status: {
      phase: 'Running',
      initContainerStatuses: [running({ name: 's', started: true, restartCount: 1 })],
      containerStatuses: [running()],
    },
    row: ['2/2', 'Running', '1'],
  },
  {
    name: 'with a sidecar that has not started',
    spec: sidecar,
    status: { phase: 'Pending', initContainerStatuses: [running({ name: 's', ready: false })] },
    row: ['0/2', 'Init:0/1', '0'],
  },
];

const object = ({ spec = { containers: [{ name: 'a' }] }, status, deleted }: Omit<PodCase, 'name' | 'row'>) =>
  ({
    metadata: { ...metadata, ...(deleted && { deletionTimestamp: metadata.creationTimestamp }) },
    spec,
    status,
  }) as never;

for (const each of cases) {
  test(`a Pod ${each.name} shows ${each.row.join(' ')}`, () => {
    const [name, ready, status, restarts, age] = tableOf(Pod).row(object(each), nowMs);
    assert.deepEqual([ready, status, restarts], each.row);
    assert.deepEqual([name, age], ['x', '5m']);
  });
}

test('the wide columns of a Pod', () => {
  const placed = object({
    spec: { containers: [], nodeName: 'node1', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] },
    status: {
      podIPs: [{ ip: '10.244.1.5' }],
      conditions: [
        { type: 'a', status: 'True' },
        { type: 'b', status: 'False' },
      ],
    },
  });
  assert.deepEqual(tableOf(Pod).row(placed, nowMs).slice(5), ['10.244.1.5', 'node1', '<none>', '1/2']);
  assert.deepEqual(tableOf(Pod).row(object({}), nowMs).slice(5), ['<none>', '<none>', '<none>', '<none>']);
});
