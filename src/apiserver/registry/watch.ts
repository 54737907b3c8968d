import type { Clock } from '../../base/clock.ts';
import { expired } from '../../kube/mod.ts';
import { eventLine } from '../cache/change.ts';
import type { Feed } from '../cache/feed.ts';
import type { WatchSpec } from '../cache/resource-cache.ts';
import type { WatchStream } from '../cache/watch-stream.ts';
import type { FormEncoder } from '../encoding/forms.ts';
import type { WatchOptions } from '../request/options.ts';
import type { Selection } from '../request/selection.ts';
import { reachAsked } from './list.ts';
import type { Registry } from './registry.ts';

/** Upstream's --min-request-timeout: a watch that names no time ends after one to two times this. */
const minTimeoutMs = 1_800_000;

/**
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch. A version that is too old is told
 * as an ERROR event, as upstream does it.
 */
export async function openWatch(
  { registry, feed, clock }: { registry: Registry; feed: Feed; clock: Clock },
  selection: Selection,
  options: WatchOptions,
  encoder: FormEncoder,
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  const asked = options.resourceVersion;
  if (asked === '') await feed.catchUp();
  else await reachAsked(feed, Number(asked));
  const spec: WatchSpec = {
    selects: selection.selects,
    encoding: encoder.event,
    wantsBookmarks: options.allowWatchBookmarks,
    bookmark: (revision) => encoder.bookmark(revision),
  };
  let stream: WatchStream;
  if (asked === '' || asked === '0' || options.sendInitialEvents) {
    const trailer = options.sendInitialEvents && options.allowWatchBookmarks ? initialEnd(encoder, feed.revision) : '';
    stream = registry.cache.watchAll(spec, selection.prefix, trailer);
  } else if (registry.cache.reachesBack(Number(asked))) {
    stream = registry.cache.watchAfter(spec, Number(asked));
  } else {
    return once(eventLine('ERROR', JSON.stringify(expired(tooOld(asked, registry)))));
  }
  endWith(stream, signal, clock, timeoutMsOf(options));
  return stream;
}

const initialEnd = (encoder: FormEncoder, revision: number) =>
  encoder.bookmark(revision, { 'k8s.io/initial-events-end': 'true' });

const tooOld = (asked: string, { cache }: Registry) => `too old resource version: ${asked} (${cache.oldestWatchable})`;

const timeoutMsOf = ({ timeoutSeconds }: WatchOptions) =>
  timeoutSeconds ? timeoutSeconds * 1000 : minTimeoutMs * (1 + Math.random());

function endWith(stream: WatchStream, signal: AbortSignal, clock: Clock, timeoutMs: number): void {
  const end = () => stream.end();
  stream.onClose(clock.schedule(timeoutMs, end));
  stream.onClose(() => signal.removeEventListener('abort', end));
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
}

async function* once(line: string): AsyncIterable<string> {
  yield line;
}
