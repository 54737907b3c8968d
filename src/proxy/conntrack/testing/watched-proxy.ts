import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { createKernel, runTool } from '../../../kernel/mod.ts';
import type { EndpointSlice, ServicePort } from '../../../kube/mod.ts';
import type { Dataplane } from '../../dataplane/port.ts';
import { startProxy } from '../../mod.ts';
import type { Family } from '../../plan/mod.ts';
import { addresses, type Place, type TestNetwork } from '../../testing/network.ts';
import { fakeInformers, node, service, slice } from '../../testing/objects.ts';
import { createConntrackCleaner } from '../mod.ts';

export const endpointPort = 9376;
/** The kernel repeats a SYN after 1, 3 and 7 seconds. */
export const patienceMs = 60_000;

export const vips: Readonly<Record<Family, string>> = { IPv4: '10.96.0.10', IPv6: 'fd00:10:96::10' };

export interface WatchedProxyOptions {
  readonly network: TestNetwork;
  readonly family: Family;
  readonly protocol: 'TCP' | 'UDP';
  readonly createDataplane: (family: Family) => Dataplane;
  /** The node hears of the Service only with `publish`. */
  readonly unpublished?: true;
}

type Condition = NonNullable<EndpointSlice['endpoints'][number]['conditions']>;
type Endpoints = { readonly [place in Place]?: Condition | 'ready' };

/** A proxy with a Service at `vips`, port 80, whose endpoints change as a test says; conntrack is cleaned behind it. */
export async function watchedProxy(t: TestContext, options: WatchedProxyOptions) {
  const { network, family, protocol, createDataplane, unpublished } = options;
  const netns = network.path('node');
  const kernel = createKernel();
  const common = { kernel, clock: systemClock, log: silentLogger, netns };
  const flows = createConntrackCleaner(kernel, common);
  const informers = fakeInformers();
  const own = (['IPv4', 'IPv6'] as const).map((one) => ({ type: 'InternalIP' as const, address: addresses.node[one] }));
  informers.nodes.put(node('node1', { addresses: own }));
  const port: ServicePort = { protocol, port: 80, targetPort: endpointPort };
  const web = service('web', vips[family], { ports: [port] });
  if (!unpublished) informers.services.put(web);
  informers.slices.put(slice('web', [], { addressType: family }));
  informers.services.sync();
  informers.slices.sync();
  const begin = () => startProxy({ ...common, source: { informers }, nodeName: 'node1', flows, createDataplane });
  let proxy = begin();
  await proxy.synced;
  t.after(async () => {
    await proxy.stop();
    flows.close();
    for (const one of ['IPv4', 'IPv6'] as const) {
      const dataplane = createDataplane(one);
      dataplane.cleanup();
      dataplane.close();
    }
    runTool('conntrack', ['-F'], { netns });
  });
  /** Until the kernel has it. */
  const put = async (change: () => void) => {
    const { syncs } = proxy.counters;
    change();
    await until(() => proxy.counters.syncs > syncs, 'the change is written');
  };
  const putEndpoints = (of: Endpoints) => {
    const list = Object.entries(of).map(([place, conditions]) => ({
      addresses: [addresses[place as Place][family]],
      conditions: conditions === 'ready' ? {} : conditions,
    }));
    const ports = [{ name: '', protocol, port: endpointPort }];
    informers.slices.put(slice('web', list, { addressType: family, ports }));
  };
  return {
    /** These and no others, ready unless told otherwise. */
    endpoints: (of: Endpoints) => put(() => putEndpoints(of)),
    /** The proxy is away while they change. */
    async endpointsUnseen(of: Endpoints) {
      await proxy.stop();
      putEndpoints(of);
      proxy = begin();
      await proxy.synced;
    },
    publish: () => put(() => informers.services.put(web)),
    withdraw: () => put(() => informers.services.delete('default/web')),
    /** TCP flows to the Service of that state, in the words of the `conntrack` tool. */
    flows: (state: string) =>
      runTool('conntrack', ['-L', '-p', 'tcp', '-f', family.toLowerCase(), '--state', state], { netns })
        .split('\n')
        .filter((line) => line.includes(`dst=${vips[family]} `)),
  };
}

export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + patienceMs; !isSo(); ) {
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
