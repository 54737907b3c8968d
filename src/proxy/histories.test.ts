import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import {
  type EndpointGroup,
  endpointText,
  type Family,
  frontendText,
  Ledger,
  type PortPlan,
  planService,
  portNameText,
  servingEndpoints,
} from './plan/mod.ts';
import { Synchronizer } from './synchronizer/mod.ts';
import { FakeDataplane, routeText, trafficSettings } from './testing/fake-dataplane.ts';
import { enact, type HistoryEvent, histories } from './testing/histories.ts';
import { fakeInformers } from './testing/objects.ts';
import { factsOf, type NodeView, nodeView, Tracker, watchNode } from './track/mod.ts';

const families = ['IPv4', 'IPv6'] as const;

test('After any history both families’ plans, and what follows from them, are those made from scratch', () => {
  fc.assert(
    fc.property(histories(60), (history) => {
      const world = new World();
      for (const one of history) world.enact(one);
      world.sync();
      world.check();
    }),
    { numRuns: 400 },
  );
});

test('One history of thousands of events', () => {
  const [history] = fc.sample(histories(4000), { numRuns: 1, seed: 1 });
  const world = new World();
  for (const [i, one] of history!.entries()) {
    world.enact(one);
    if (i % 50 === 0) world.sync();
    if (i % 50 === 0) world.check();
  }
  world.sync();
  world.check();
});

/** A proxy's middle between fake informers and fake dataplanes, and what its neighbours have been told. */
class World {
  readonly #informers = fakeInformers();
  readonly #tracker = new Tracker(this.#informers.services, this.#informers.slices, () => {});
  readonly #dataplanes = { IPv4: new FakeDataplane(), IPv6: new FakeDataplane() };
  readonly #healthChecks = new Map<string, number>();
  /** UDP flows that conntrack may have, `frontend endpoint`: all that the plan has ever allowed, less those told to be stale. */
  readonly #flows = { IPv4: new Set<string>(), IPv6: new Set<string>() };
  readonly #synchronizer: Synchronizer;
  #view: NodeView = nodeView('node1');

  constructor() {
    this.#synchronizer = new Synchronizer({
      tracker: this.#tracker,
      nodeName: 'node1',
      clock: new ManualClock(),
      log: silentLogger,
      syncPeriodMs: 30_000,
      onSynced() {},
      healthChecks: {
        set: ({ service, localEndpoints }) => this.#healthChecks.set(service, localEndpoints),
        delete: (service) => this.#healthChecks.delete(service),
      },
      flows: {
        removeAllBut() {},
        removeStale: (stale) => {
          for (const { family, frontend, endpoint } of stale) {
            const flows = this.#flows[family];
            const from = `${frontendText(frontend, 'UDP')} `;
            if (endpoint === 'none') continue;
            if (endpoint !== 'any') flows.delete(`${from}${endpointText(endpoint)}`);
            else for (const flow of flows) if (flow.startsWith(from)) flows.delete(flow);
          }
        },
      },
    });
    for (const family of families) {
      this.#synchronizer.add(factsOf(this.#view, family), trafficSettings({ family }), this.#dataplanes[family]);
    }
    watchNode(this.#informers.nodes, 'node1', (view) => {
      this.#view = view;
      for (const family of families) {
        this.#synchronizer.configure(factsOf(view, family), trafficSettings({ family }));
      }
    });
    this.sync();
  }

  enact(one: HistoryEvent): void {
    if (one.do === 'sync') this.sync();
    else enact(one, this.#informers);
  }

  sync(): void {
    this.#synchronizer.sync();
    for (const port of this.#synchronizer.ports()) {
      if (port.name.protocol === 'UDP') for (const flow of flowsOf(port)) this.#flows[port.family].add(flow);
    }
  }

  check(): void {
    const planned = [...this.#synchronizer.ports()];
    for (const family of families) {
      const own = planned.filter((port) => port.family === family);
      const { ports, localEndpoints } = this.#fromScratch(family);
      assert.deepEqual(meaning(own), meaning(ports));
      for (const [service, count] of localEndpoints) assert.ok(this.#healthChecks.get(service)! >= count);
      assert.deepEqual(
        this.#dataplanes[family].everything,
        everythingOf(ports),
        'the dataplane was told of every change',
      );
      const groups = own.flatMap(({ cluster, local }) => [cluster, local]).filter((group) => group !== undefined);
      assert.equal(new Set(groups.map(({ id }) => id)).size, groups.length, 'no two groups share an id');
      // With the flows of frontends that another Service has taken over, nobody can go on.
      const allowed = new Set(own.filter(({ name }) => name.protocol === 'UDP').flatMap(flowsOf));
      assert.deepEqual([...this.#flows[family].difference(allowed)], [], 'every stale flow was told of');
    }
  }

  #fromScratch(family: Family) {
    const ledger = new Ledger();
    const localEndpoints = new Map<string, number>();
    for (const service of this.#informers.services.list()) {
      const key = `default/${service.metadata.name}`;
      const draft = planService(service, this.#tracker.slicesOf(key), factsOf(this.#view, family));
      ledger.update(key, draft.ports);
      if (draft.healthCheck) localEndpoints.set(key, draft.healthCheck.localEndpoints);
    }
    return { ports: [...ledger.ports()], localEndpoints };
  }
}

const flowsOf = (port: PortPlan): string[] =>
  port.frontends.flatMap((frontend) =>
    [...servingEndpoints(port).keys()].map((endpoint) => `${frontendText(frontend, 'UDP')} ${endpoint}`),
  );

/** What a dataplane has to have been told, found without telling any. */
function everythingOf(ports: readonly PortPlan[]): Map<string, unknown> {
  const endpointsOf = (group: EndpointGroup | undefined) => (group?.endpoints ?? []).map(endpointText).sort();
  return new Map(
    ports.flatMap((port) =>
      port.frontends.map((frontend) => [
        frontendText(frontend, port.name.protocol),
        [routeText(port, frontend), endpointsOf(port.cluster), endpointsOf(port.local)],
      ]),
    ),
  );
}

/** Everything but what depends on the history: ids and slots. */
function meaning(ports: readonly PortPlan[]): unknown[] {
  return ports
    .map(({ cluster, local, frontends, refused, ...rest }) => ({
      port: portNameText(rest.name),
      ...rest,
      frontends: frontends.map(({ kind, address, port }) => `${kind} ${address} ${port}`).sort(),
      refused: refused.map(({ kind, address, port }) => `${kind} ${address} ${port}`).sort(),
      ...(cluster && { cluster: groupMeaning(cluster) }),
      ...(local && { local: groupMeaning(local) }),
    }))
    .sort((a, b) => (a.port < b.port ? -1 : 1));
}

const groupMeaning = ({ endpoints, leftOut }: EndpointGroup) => ({
  endpoints: endpoints.map((one) => `${endpointText(one)} ${one.local}`).sort(),
  leftOut: leftOut.map(({ address, port, reason, serving }) => `${address} ${port} ${reason} ${serving}`).sort(),
});
