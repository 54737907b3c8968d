import assert from 'node:assert/strict';
import { componentUser, controllerUser, createApiServer } from '../../apiserver/mod.ts';
import { ManualClock, sleep } from '../../base/clock.ts';
import type { Exchange, User } from '../../base/exchange.ts';
import { silentLogger } from '../../base/log.ts';
import { type Client, createClient } from '../../client/mod.ts';
import { formatMicroTime, type KubeObject, Lease, Node, Pod, type Resource } from '../../kube/mod.ts';
import { startScheduler } from '../../scheduler/mod.ts';
import { createMemoryStore } from '../../store/mod.ts';
import { type ControllersOptions, startControllers } from '../mod.ts';
import { FakeAgents } from './fake-agents.ts';

/** A write that some component sent, as `METHOD path`. */
export interface SentWrite {
  readonly component: string;
  readonly line: string;
}

/**
 * The real API server on a memory store, the real controllers and scheduler, and agents that only pretend to run Pods,
 * all in this process and on a clock that the test moves.
 */
export class TestCluster {
  readonly clock = new ManualClock();
  readonly writes: SentWrite[] = [];
  /** How late every event of a watch that begins from now on arrives: what informers show is then old. */
  watchDelayMs = 0;
  readonly client: Client;
  readonly agents: FakeAgents;
  readonly #exchange: Exchange;
  readonly #stopServer: () => Promise<void>;
  readonly #options: Partial<ControllersOptions>;
  #running: { stop(): Promise<void> }[] = [];
  #life = { hasEnded: false };

  static async start(options: Partial<ControllersOptions> = {}): Promise<TestCluster> {
    const clock = new ManualClock();
    const store = createMemoryStore();
    const server = await createApiServer({
      store,
      clock,
      log: silentLogger,
      advertiseAddress: '192.0.2.1',
      advertisePort: 6443,
    });
    const stop = async () => {
      await server.stop();
      await store.close();
    };
    return new TestCluster(clock, server.exchange, stop, options);
  }

  private constructor(
    clock: ManualClock,
    exchange: Exchange,
    stopServer: () => Promise<void>,
    options: Partial<ControllersOptions>,
  ) {
    this.clock = clock;
    this.#exchange = exchange;
    this.#stopServer = stopServer;
    this.#options = options;
    this.client = this.clientOf('test');
    this.agents = new FakeAgents(this.clientOf('agents'), clock);
  }

  /** A client whose writes are recorded under the component's name; events are not counted. */
  clientOf(component: string, life = { hasEnded: false }, user?: User): Client {
    const assertAlive = () => assert(!life.hasEnded, 'This process has crashed');
    return createClient({
      userAgent: component,
      user,
      exchange: async (request) => {
        assertAlive();
        if (request.method !== 'GET' && !request.url.includes('/events')) {
          this.writes.push({ component, line: `${request.method} ${request.url}` });
        }
        const response = await this.#exchange(request);
        assertAlive();
        const isWatch = typeof response.body !== 'string' && this.watchDelayMs > 0;
        return isWatch ? { ...response, body: this.#late(response.body as AsyncIterable<string>) } : response;
      },
    });
  }

  async *#late(body: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const piece of body) {
      await sleep(this.clock, this.watchDelayMs);
      yield piece;
    }
  }

  async startControllers(): Promise<void> {
    const { clock } = this;
    const common = { clock, log: silentLogger, random: () => 0.5 };
    // Fake agents renew no leases: only a test that is about them wants silence to count.
    const nodeLifecycle = { graceMs: 1e9 };
    const controllers = startControllers({
      ...common,
      nodeLifecycle,
      ...this.#options,
      client: this.clientOf('controllers', undefined, componentUser('system:kube-controller-manager')),
      clientAs: (name) => this.clientOf('controllers', undefined, controllerUser(name)),
    });
    const scheduler = startScheduler({
      ...common,
      client: this.clientOf('scheduler', this.#life, componentUser('system:kube-scheduler')),
    });
    this.#running.push(controllers, scheduler);
    await this.until('the controllers run', () => Promise.all([controllers.synced, scheduler.synced]));
  }

  async stopControllers(): Promise<void> {
    const stopping = Promise.all(this.#running.splice(0).map((each) => each.stop()));
    await this.until('the controllers have stopped', () => stopping);
  }

  /** From now on no request of theirs is sent, and no answer to one under way arrives, as after kill -9. */
  async crashControllers(): Promise<void> {
    this.#life.hasEnded = true;
    this.#life = { hasEnded: false };
    await this.stopControllers();
  }

  async stop(): Promise<void> {
    await this.stopControllers();
    await this.agents.stop();
    await this.#stopServer();
  }

  /** What `kubectl drain` asks: the answer's HTTP status, and of a refusal why. */
  async evict(name: string): Promise<{ status: number; why: string | undefined }> {
    const { status, body } = await this.#exchange({
      method: 'POST',
      url: `/api/v1/namespaces/default/pods/${name}/eviction`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }),
      signal: new AbortController().signal,
    });
    return { status, why: JSON.parse(String(body)).details?.causes?.[0]?.message };
  }

  async addNode(name: string, pods = 20): Promise<void> {
    await this.client.create(Node, { metadata: { name } });
    await this.setNodeReady(name, pods);
  }

  /** What the node's agent says of it when all is well. */
  async setNodeReady(name: string, pods = 20): Promise<void> {
    const node = await this.client.get(Node, name);
    const conditions = [{ type: 'Ready', status: 'True' as const, reason: 'KubeletReady' }];
    await this.client.updateStatus(Node, { ...node, status: { allocatable: { pods: String(pods) }, conditions } });
  }

  async renewLease(node: string): Promise<void> {
    const metadata = { name: node, namespace: 'kube-node-lease' };
    const spec = { holderIdentity: node, renewTime: formatMicroTime(this.clock.now()), leaseDurationSeconds: 40 };
    const found = await this.client.get(Lease, node, metadata).catch(() => undefined);
    if (found) await this.client.update(Lease, { ...found, spec });
    else await this.client.create(Lease, { metadata, spec });
  }

  async list<S extends KubeObject>(resource: Resource<S>, namespace = 'default'): Promise<S[]> {
    const { items } = await this.client.list(resource, resource.namespaced ? { namespace } : {});
    return items;
  }

  livePods = async (): Promise<Pod[]> => (await this.list(Pod)).filter(({ metadata }) => !metadata.deletionTimestamp);

  /** Lets time pass in small steps until `check` neither throws nor is false; fails with its last word. */
  async until(what: string, check: () => unknown, limitMs = 5000): Promise<void> {
    let state: unknown = 'never looked';
    let isMet = false;
    const look = async () => {
      try {
        state = await check();
        isMet = state !== false;
      } catch (error) {
        state = error;
      }
    };
    for (let passedMs = 0; passedMs <= limitMs; passedMs += 5) {
      const looking = look();
      await this.clock.advance(5);
      if (isMet) return;
      if (passedMs % 100 === 0) await Promise.race([looking, this.clock.advance(0)]);
    }
    assert.fail(new Error(`Not so within ${limitMs} ms: ${what}`, { cause: state }));
  }

  /** Lets everything that was set off come to rest, and returns what was written meanwhile. */
  async quiet(): Promise<string[]> {
    const lines: string[] = [];
    // Late events come one behind the other: a hundred may be on their way.
    const rounds = 20 + 10 * this.watchDelayMs;
    for (let idle = 0; idle < rounds; idle++) {
      await this.clock.advance(10);
      const news = this.writes.splice(0);
      if (news.length > 0) idle = 0;
      lines.push(...news.map(({ component, line }) => `${component} ${line}`));
    }
    return lines;
  }
}
