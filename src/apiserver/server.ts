import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import type { Exchange, User } from '../base/exchange.ts';
import type { Logger } from '../base/log.ts';
import {
  allResources,
  ClusterRole,
  ClusterRoleBinding,
  Event,
  failure,
  forbidden,
  IPAddress,
  Namespace,
  notFound,
  Pod,
  type Resource,
  Role,
  RoleBinding,
  reviewResources,
  Service,
  ServiceAccount,
  ServiceCIDR,
} from '../kube/mod.ts';
import type { Store } from '../store/port.ts';
import { takeSnapshot, unfinishedKey } from '../store/snapshot/mod.ts';
import { checkEscalation } from './admission/escalation.ts';
import { restrictNodes } from './admission/node-restriction.ts';
import { judgeSigningRequests } from './admission/signing-requests.ts';
import { parsePortRange, parseServiceCidrs } from './allocation/address-range.ts';
import { AddressPool, PortPool } from './allocation/pool.ts';
import { repairAllocations } from './allocation/repair.ts';
import type { ServiceAllocation } from './allocation/service-allocation.ts';
import { rangesOfObjects } from './allocation/service-cidrs.ts';
import { openIdPages } from './authentication/openid.ts';
import { type TokenSettings, Tokens } from './authentication/tokens.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { nodeAuthorizer } from './authorization/node-authorizer.ts';
import { NodeGraph } from './authorization/node-graph.ts';
import { reconcileRoles } from './authorization/policy/reconcile.ts';
import { RoleIndex } from './authorization/role-index.ts';
import { loopback } from './authorization/users.ts';
import { createDefaults, leadKubernetesTo } from './bootstrap.ts';
import { Feed } from './cache/feed.ts';
import { ResourceCache } from './cache/resource-cache.ts';
import { Pages } from './discovery/pages.ts';
import { Housekeeping } from './housekeeping.ts';
import { Peers } from './peers.ts';
import { Registry } from './registry/registry.ts';
import { createAnswer } from './serve/answer.ts';
import { refuse } from './status-error.ts';
import { strategyFor } from './strategies/mod.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Default `10.96.0.0/16`; its first address is the `kubernetes` Service's. A second range of the other family makes the
   * cluster dual-stack: `10.96.0.0/16,fd00:10:96::/112`.
   */
  readonly serviceCidr?: string;
  /** Default `30000-32767`. */
  readonly nodePortRange?: string;
  /** Where Pods and nodes reach this server; the `kubernetes` Service leads there. */
  readonly advertiseAddress: string;
  readonly advertisePort: number;
  /** Other servers may work on the same store: the `kubernetes` Service leads to all that live. */
  readonly hasPeers?: boolean;
  /** In [0, 1); default Math.random. Chooses addresses and ports. */
  readonly random?: () => number;
  readonly tokens?: TokenSettings;
  /** Whether new Pods get a token of their ServiceAccount, which must be there then. Default false. */
  readonly mountsTokens?: boolean;
}

export interface ApiServer {
  /** For callers in this process: whoever gives no `user` is the server itself and may do everything. */
  readonly exchange: Exchange;
  /** For transports: whoever gives no `user` is anonymous. */
  readonly answer: Exchange;
  /** Who a bearer token stands for; undefined: nobody. */
  authenticate(token: string): User | undefined;
  /** Ends every watch with a bookmark and stops the work by the clock; the store stays open. */
  stop(): Promise<void>;
}

/** Loads what the store has, creates what every cluster begins with, and is ready to answer when it resolves. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, log } = options;
  checkApiServerSettings(options);
  await refuseUnfinished(store);
  const caches = new Map(allResources.map((resource) => [resource, new ResourceCache(prefixOf(resource))]));
  const allocation = allocationOf(options, caches);
  const feed = new Feed({ store, log, clock }, [...caches.values(), allocation.portPool]);
  const namespaces = caches.get(Namespace)!;
  const checkNamespace = namespaceGate(namespaces);
  const accounts = caches.get(ServiceAccount)!;
  const findAccount = (namespace: string, name: string) =>
    accounts.get(`${accounts.prefix}${namespace}/${name}`)?.object as ServiceAccount | undefined;
  const registries = new Map(
    [...caches].map(([resource, cache]) => {
      const strategy = strategyFor(resource, allocation, options.mountsTokens ? findAccount : undefined);
      return [resource, new Registry({ resource, strategy, cache, feed, store, clock, checkNamespace })];
    }),
  );
  const registryOf = (resource: Resource) => {
    const registry = registries.get(resource);
    assert(registry, `${resource.kind} is served`);
    return registry;
  };
  const advertised = { address: options.advertiseAddress, port: options.advertisePort };
  const tokens = new Tokens(options.tokens ?? {}, caches, () => clock.now());
  const pages = new Pages({
    resources: [...allResources, ...reviewResources],
    serverAddress: `${advertised.address}:${advertised.port}`,
    documents: openIdPages(tokens.accounts, `${advertised.address}:${advertised.port}`),
    problems: () => (feed.hasEnded ? ['store'] : []),
    backup: () => takeSnapshot(store, '/registry/', clock.now()),
  });
  const authorizer = new Authorizer(roleIndexOf(caches), [nodeAuthorizer(new NodeGraph(caches.get(Pod)!))]);
  await feed.start();
  const repair = () => repairAllocations({ allocation, services: caches.get(Service)!, store, log });
  await repair();
  await createDefaults(registryOf, allocation.ranges, advertised, log);
  await reconcileRoles(registryOf);
  const peers = options.hasPeers ? new Peers({ registryOf, advertised, clock, log }) : undefined;
  if (peers) await peers.start();
  else await leadKubernetesTo(registryOf, [advertised.address], advertised.port);
  const housekeeping = new Housekeeping({
    ...{ store, feed, clock, log },
    caches: [...caches.values()],
    events: registryOf(Event),
    repair,
  });
  housekeeping.start();
  const answer = createAnswer({
    ...{ store, feed, clock, log, registryOf, pages, authorizer, tokens },
    admissions: [checkEscalation, restrictNodes, judgeSigningRequests],
  });
  return {
    answer,
    authenticate: (token) => tokens.authenticate(token),
    exchange: (request) => answer(request.user ? request : { ...request, user: loopback }),
    async stop() {
      await peers?.stop();
      await housekeeping.stop();
      for (const cache of caches.values()) {
        cache.sendBookmarks(feed.revision);
        cache.endWatches();
      }
      feed.stop();
    },
  };
}

const roleIndexOf = (caches: ReadonlyMap<Resource, ResourceCache>): RoleIndex =>
  new RoleIndex({
    roles: caches.get(Role)!,
    clusterRoles: caches.get(ClusterRole)!,
    roleBindings: caches.get(RoleBinding)!,
    clusterRoleBindings: caches.get(ClusterRoleBinding)!,
  });

/** Half a cluster would be mended by controllers until nothing of the other half is left. */
async function refuseUnfinished(store: Store): Promise<void> {
  if ((await store.get(unfinishedKey)).value)
    throw new UsageError(
      'Serve from this store',
      'a backup was being restored to it, and is not there as a whole',
      'Run signalbox backup restore with that file again',
    );
}

/** Throws UsageError for a setting that cannot be used: for whoever wants to know before anything is written. */
export function checkApiServerSettings(
  options: Pick<ApiServerOptions, 'serviceCidr' | 'nodePortRange' | 'advertiseAddress'>,
): void {
  checkAdvertised(options.advertiseAddress);
  rangesOf(options);
  portsOf(options);
}

/** Endpoints may not hold such addresses, for no Pod would get anywhere by them. */
function checkAdvertised(address: string): void {
  const problem = isIPv4(address)
    ? /^(127|0)\./.test(address) && 'is not where others reach this machine'
    : 'is no IPv4 address';
  if (problem) throw new UsageError('Advertise the API server', `${JSON.stringify(address)} ${problem}`);
}

const prefixOf = ({ group, plural }: Resource) => `/registry/${group || 'core'}/${plural}/`;

const rangesOf = ({ serviceCidr = '10.96.0.0/16' }: Pick<ApiServerOptions, 'serviceCidr'>) =>
  parseServiceCidrs(serviceCidr);
const portsOf = ({ nodePortRange = '30000-32767' }: Pick<ApiServerOptions, 'nodePortRange'>) =>
  parsePortRange(nodePortRange);

const allocationOf = (options: ApiServerOptions, caches: ReadonlyMap<Resource, ResourceCache>): ServiceAllocation => ({
  ranges: rangesOf(options),
  furtherRanges: rangesOfObjects(caches.get(ServiceCIDR)!),
  ports: portsOf(options),
  addressPool: new AddressPool(caches.get(IPAddress)!),
  portPool: new PortPool('/registry/allocations/nodeports/'),
  random: options.random ?? Math.random,
  now: () => options.clock.now(),
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
