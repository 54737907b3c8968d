import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { keyOf } from '../../wire/dns/mod.ts';
import { again, compose, type Handler, nobodyAnswers, type Plugin } from '../chain/mod.ts';
import type {
  CacheDirective,
  Directives,
  ForwardDirective,
  KubernetesDirective,
  ServerBlock,
} from '../corefile/mod.ts';
import { Forwarding, type ForwardingDependencies } from '../forward/mod.ts';
import type { ForwardBooks } from '../metrics/forward-books.ts';
import type { QueryBooks } from '../metrics/query-books.ts';
import { ErrorLog } from '../observe/error-log.ts';
import { BlockObserver } from '../observe/observer.ts';
import { QueryLog } from '../observe/query-log.ts';
import { createAnyPlugin } from '../plugins/any.ts';
import { type CacheOptions, type CachePlugin, type CacheTotals, createCachePlugin } from '../plugins/cache/mod.ts';
import { createKubernetesPlugin } from '../plugins/kubernetes/mod.ts';
import { createLoadbalancePlugin } from '../plugins/loadbalance.ts';
import { LoopError, LoopWatch } from '../plugins/loop.ts';
import { createMinimalPlugin } from '../plugins/minimal.ts';
import { answersForNext, createRelayPlugin } from '../plugins/relay.ts';
import { createWhoamiPlugin } from '../plugins/whoami.ts';
import { isWithinAny, zoneKeys } from '../plugins/zones.ts';
import type { Service } from '../server/mod.ts';
import type { Clusters, FollowedCluster } from './cluster.ts';
import { NamePlugins } from './name-plugins.ts';
import { transfersOf } from './transfers.ts';

export interface BlockDependencies extends Omit<ForwardingDependencies, 'books'> {
  readonly forwards: ForwardBooks;
  readonly clusters: Clusters;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the lines of the `log` directive go. */
  readonly writeQueryLog: (line: string) => void;
  readonly elapsedMs: () => number;
  readonly books: (server: string, zone: string) => QueryBooks;
  readonly cacheTotals: (block: ServerBlock) => CacheTotals;
  readonly onMistake: () => void;
}

/** A server block at work: the chain of its plugins, and what they need to be kept going. */
export interface RunningBlock {
  readonly block: ServerBlock;
  /** The chain as the listeners of one server use it; `server` is the label of its metrics. */
  service(server: string, zone: string): Service;
  readonly cluster: FollowedCluster | undefined;
  readonly cache: CachePlugin | undefined;
  readonly names: NamePlugins;
  start(): Promise<void>;
  /** Looks for forwarding loops where the block says so; for when questions are received. */
  watchLoops(onLoop: (error: LoopError) => void): void;
  stop(): void;
}

/**
 * Puts a block's plugins together in CoreDNS's order, whatever their order in the file, but for the cluster's zone: it
 * stands before the cache (docs/decisions/0012). Throws UsageError.
 */
export function createBlock(block: ServerBlock, dependencies: BlockDependencies): RunningBlock {
  const { directives } = block;
  const cluster =
    directives.kubernetes &&
    dependencies.clusters.of(directives.kubernetes, directives.autopath?.source.kind === 'kubernetes');
  const { forwards: books } = dependencies;
  const forwards = (directives.forward ?? []).map((options) => new Forwarding(options, { ...dependencies, books }));
  const cache =
    directives.cache &&
    createCachePlugin(cacheOptions(directives.cache), {
      clock: dependencies.clock,
      totals: dependencies.cacheTotals(block),
    });
  const names = new NamePlugins(directives, cluster, dependencies);
  const loops = directives.loop && new LoopWatch({ clock: dependencies.clock, zones: loopZones(block), randomDigits });
  // As in CoreDNS, names outside that the cluster's aliases lead to may be a hosts file's, or be rewritten.
  const beyond = again(() => head);
  const parts = { beyond, cluster, cache, names, forwards, loops };
  const head: Handler = compose(pluginsOf(directives, parts, dependencies), nobodyAnswers);
  const transfers = transfersOf(directives, cluster);
  const { clock, log, writeQueryLog, elapsedMs, onMistake } = dependencies;
  const logs = (directives.log ?? []).map((options) => new QueryLog(options, writeQueryLog));
  const errors = directives.errors && new ErrorLog(directives.errors, { clock, log });
  return {
    block,
    cluster,
    cache,
    names,
    service: (server, zone) => {
      const books = directives.prometheus && dependencies.books(server, zone);
      const observer = new BlockObserver({
        logs,
        elapsedMs,
        onMistake,
        ...(books && { books }),
        ...(errors && { errors }),
      });
      return { head, observer, anyClass: names.anyClass, ...(transfers && { transfers }) };
    },
    async start() {
      await Promise.all([names, ...forwards].map((each) => each.start()));
    },
    watchLoops(onLoop) {
      for (const [index, forwarding] of loops ? forwards.entries() : []) {
        if (forwarding.leadsOnlyHere) onLoop(leadsHere(directives.forward![index]!));
      }
      loops?.start(onLoop);
    },
    stop() {
      for (const each of [names, ...forwards]) each.stop();
      loops?.stop();
      errors?.close();
    },
  };
}

interface BlockParts {
  readonly beyond: Handler;
  readonly cluster: FollowedCluster | undefined;
  readonly cache: CachePlugin | undefined;
  readonly names: NamePlugins;
  readonly forwards: readonly Forwarding[];
  readonly loops: LoopWatch | undefined;
}

function pluginsOf(
  directives: Directives,
  { beyond, cluster, cache, names, forwards, loops }: BlockParts,
  { random }: BlockDependencies,
): Plugin[] {
  const { kubernetes, loadbalance, minimal, whoami, forward = [] } = directives;
  const ttlSeconds = kubernetes?.ttlSeconds ?? 5;
  return [
    ...(loadbalance ? [createLoadbalancePlugin(random)] : []),
    ...(minimal ? [createMinimalPlugin()] : []),
    ...names.plugins(),
    ...(kubernetes && cluster ? [zonePlugin(kubernetes, cluster, beyond)] : []),
    // With or without the directive `any`: answers to ANY serve nobody but attackers (RFC 8482).
    createAnyPlugin(ttlSeconds),
    ...(loops ? [loops.plugin] : []),
    ...(cache ? [cache.plugin] : []),
    ...forward.map(({ from, except, next, nextOnNoData }, index) =>
      createRelayPlugin({
        from,
        except,
        forwarder: forwards[index]!.forwarder,
        // Only to another `forward`, as CoreDNS has it: after the last one nobody is left to ask.
        ...(index < forward.length - 1 && { isForNext: answersForNext(next, nextOnNoData) }),
      }),
    ),
    ...(whoami ? [createWhoamiPlugin()] : []),
  ];
}

/** For each `forward` a zone whose names come to this block and leave it so. */
function loopZones({ zones, directives: { forward = [] } }: ServerBlock): readonly string[] {
  const isBelow = (zone: string, other: string) => isWithinAny(keyOf(zone), zoneKeys([other]));
  const shared = forward.map(({ from }) =>
    zones.some((zone) => isBelow(from, zone)) ? from : zones.find((zone) => isBelow(zone, from)),
  );
  return [...new Set(shared.filter((zone) => zone !== undefined))];
}

const randomDigits = (): string => String(randomBytes(8).readBigUInt64BE());

const leadsHere = ({ from, to }: ForwardDirective): LoopError =>
  new LoopError(`forward ${from} ${to.join(' ')} names nobody but this server itself`);

const zonePlugin = (
  { ttlSeconds, fallthrough }: KubernetesDirective,
  cluster: FollowedCluster,
  beyond: Handler,
): Plugin =>
  createKubernetesPlugin({
    beyond,
    zone: cluster.zone,
    isSynced: () => cluster.isSynced,
    awaySince: cluster.awaySince,
    ttlSeconds,
    ...(fallthrough && { fallthrough }),
  });

const cacheOptions = ({ disabled, prefetch, serveStale, ...rest }: CacheDirective): CacheOptions => ({
  ...rest,
  disable: disabled,
  ...(prefetch && { prefetch }),
  ...(serveStale && { serveStale }),
});
