import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createApiServer } from '../../apiserver/mod.ts';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { type Client, createClient, type Recorder } from '../../client/mod.ts';
import { ConfigMap, Pod, type PodSpec, Secret } from '../../kube/mod.ts';
import { createMemoryStore } from '../../store/mod.ts';
import { createCatalogue } from '../runtime/catalogue.ts';
import { FakeRuntime } from '../runtime/fake.ts';
import { PodManager } from './manager.ts';

/** An API server in memory and one node's Pod manager over a scripted runtime; time passes when the test says so. */
export async function createPodBench(t: TestContext) {
  const clock = new ManualClock();
  const server = await createApiServer({
    store: createMemoryStore(),
    clock,
    log: silentLogger,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
    advertiseAddress: '192.0.2.1',
    advertisePort: 6443,
  });
  const events: string[] = [];
  const recorder: Recorder = {
    record: (_about, _type, reason, message) => events.push(`${reason}: ${message}`),
    flush: async () => {},
  };
  const runtime = new FakeRuntime(clock);
  const client = createClient({ exchange: server.exchange, userAgent: 'test' });
  const bench = { clock, runtime, events, client, manager: createManager(client, clock, runtime, recorder) };
  t.after(async () => {
    await bench.manager.stop();
    await server.stop();
  });
  bench.manager.start();
  await clock.advance(0);
  return Object.assign(bench, {
    /** Creates a Pod on this node and lets everybody react. */
    async create(name: string, spec: object): Promise<void> {
      const whole = { nodeName: 'node1', ...spec } as PodSpec;
      await client.create(Pod, { metadata: { name, namespace: 'default' }, spec: whole });
      await this.settle();
    },
    get: (name: string) => client.get(Pod, name, { namespace: 'default' }),
    async remove(name: string, gracePeriodSeconds?: number): Promise<void> {
      const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
      await client.delete(Pod, name, { namespace: 'default', ...grace });
      await this.settle();
    },
    /** Requests, watches and steps take turns of the event loop, but no time. */
    async settle(): Promise<void> {
      for (let turn = 0; turn < 20; turn++) await clock.advance(0);
    },
    async pass(seconds: number): Promise<void> {
      await clock.advance(1000 * seconds);
      await this.settle();
    },
    /** A new agent over the same runtime. */
    async restart(): Promise<void> {
      await bench.manager.stop();
      bench.manager = createManager(client, clock, runtime, recorder);
      bench.manager.start();
      await this.settle();
    },
  });
}

function createManager(client: Client, clock: ManualClock, runtime: FakeRuntime, recorder: Recorder): PodManager {
  const find = <Found>(request: Promise<Found>) => request.catch(() => undefined);
  return new PodManager({
    client,
    clock,
    runtime,
    recorder,
    log: silentLogger,
    catalogue: createCatalogue(['node', 'main.ts']),
    sources: {
      configMap: (namespace, name) => find(client.get(ConfigMap, name, { namespace })),
      secret: (namespace, name) => find(client.get(Secret, name, { namespace })),
      token: async () => ({ token: 'token', expiresAtMs: clock.now() + 3_600_000 }),
    },
    volumesFolder: () => path.join(tmpdir(), 'signalbox-no-volumes'),
    names: {
      nodeName: 'node1',
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      hostDns: { nameservers: ['192.0.2.53'], searches: [], options: [] },
    },
    nodeAddress: '192.0.2.10',
    capacity: { cpu: 2, memoryBytes: 2 ** 30 },
  });
}

export const conditionOf = ({ status }: Pod, type: string): string | undefined =>
  status?.conditions?.find((condition) => condition.type === type)?.status;

/** `web` running `run`, by default for ever. */
export const container = (name: string, command: string, more: object = {}) => ({
  name,
  image: 'none',
  command: [command],
  ...more,
});
