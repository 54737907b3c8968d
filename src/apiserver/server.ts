import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import type { Exchange } from '../base/exchange.ts';
import type { Logger } from '../base/log.ts';
import { allResources, Event, failure, forbidden, Namespace, notFound, type Resource } from '../kube/mod.ts';
import type { Store } from '../store/port.ts';
import { parsePortRange, parseServiceCidr } from './allocation/address-range.ts';
import { Pool } from './allocation/pool.ts';
import type { ServiceAllocation } from './allocation/service-allocation.ts';
import { createDefaults } from './bootstrap.ts';
import { Feed } from './cache/feed.ts';
import { ResourceCache } from './cache/resource-cache.ts';
import { Pages } from './discovery/pages.ts';
import { Housekeeping } from './housekeeping.ts';
import { Registry } from './registry/registry.ts';
import { loopback } from './request/authorize.ts';
import { createAnswer } from './serve/answer.ts';
import { refuse } from './status-error.ts';
import { strategyFor } from './strategies/mod.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default `10.96.0.0/16`; its first address is the `kubernetes` Service's. */
  readonly serviceCidr?: string;
  /** Default `30000-32767`. */
  readonly nodePortRange?: string;
  /** Where Pods and nodes reach this server; the `kubernetes` Service leads there. */
  readonly advertiseAddress: string;
  readonly advertisePort: number;
  /** In [0, 1); default Math.random. Chooses addresses and ports. */
  readonly random?: () => number;
}

export interface ApiServer {
  /** For callers in this process: whoever gives no `user` is the server itself and may do everything. */
  readonly exchange: Exchange;
  /** For transports: whoever gives no `user` is anonymous. */
  readonly answer: Exchange;
  /** Ends every watch with a bookmark and stops the work by the clock; the store stays open. */
  stop(): Promise<void>;
}

/** Loads what the store has, creates what every cluster begins with, and is ready to answer when it resolves. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, log } = options;
  checkAdvertised(options.advertiseAddress);
  const allocation = allocationOf(options);
  const caches = new Map(allResources.map((resource) => [resource, new ResourceCache(prefixOf(resource))]));
  const feed = new Feed({ store, log, clock }, [...caches.values(), allocation.addressPool, allocation.portPool]);
  const namespaces = caches.get(Namespace)!;
  const checkNamespace = namespaceGate(namespaces);
  const registries = new Map(
    [...caches].map(([resource, cache]) => {
      const strategy = strategyFor(resource, allocation);
      return [resource, new Registry({ resource, strategy, cache, feed, store, clock, checkNamespace })];
    }),
  );
  const registryOf = (resource: Resource) => {
    const registry = registries.get(resource);
    assert(registry, `${resource.kind} is served`);
    return registry;
  };
  const advertised = { address: options.advertiseAddress, port: options.advertisePort };
  const pages = new Pages({
    resources: allResources,
    serverAddress: `${advertised.address}:${advertised.port}`,
    problems: () => (feed.hasEnded ? ['store'] : []),
  });
  await feed.start();
  await createDefaults(registryOf, allocation.addresses.at(0), advertised);
  const housekeeping = new Housekeeping({
    ...{ store, feed, clock, log },
    caches: [...caches.values()],
    events: registryOf(Event),
  });
  housekeeping.start();
  const answer = createAnswer({ store, feed, clock, log, registryOf, pages });
  return {
    answer,
    exchange: (request) => answer(request.user ? request : { ...request, user: loopback }),
    async stop() {
      await housekeeping.stop();
      for (const cache of caches.values()) {
        cache.sendBookmarks(feed.revision);
        cache.endWatches();
      }
      feed.stop();
    },
  };
}

/** Endpoints may not hold such addresses, for no Pod would get anywhere by them. */
function checkAdvertised(address: string): void {
  const problem = isIPv4(address)
    ? /^(127|0)\./.test(address) && 'is not where others reach this machine'
    : 'is no IPv4 address';
  if (problem) throw new UsageError('Advertise the API server', `${JSON.stringify(address)} ${problem}`);
}

const prefixOf = ({ group, plural }: Resource) => `/registry/${group || 'core'}/${plural}/`;

const allocationOf = ({ serviceCidr, nodePortRange, random }: ApiServerOptions): ServiceAllocation => ({
  addresses: parseServiceCidr(serviceCidr ?? '10.96.0.0/16'),
  ports: parsePortRange(nodePortRange ?? '30000-32767'),
  addressPool: new Pool('/registry/allocations/clusterips/'),
  portPool: new Pool('/registry/allocations/nodeports/'),
  random: random ?? Math.random,
});

/** Upstream's NamespaceLifecycle admission. */
function namespaceGate(namespaces: ResourceCache) {
  return (resource: Resource, name: string, namespace: string) => {
    const version = namespaces.get(namespaces.prefix + namespace);
    if (!version) return refuse(notFound(Namespace, namespace));
    if (!version.object.metadata.deletionTimestamp) return undefined;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const status = forbidden(resource, name, why);
    const message = `namespace ${namespace} is being terminated`;
    const causes = [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }];
    return refuse(failure('Forbidden', status.message!, { ...status.details, causes }));
  };
}
