import { badRequest, expired, failure, type Status } from '../../kube/mod.ts';
import { isStoreError } from '../../store/errors.ts';
import type { Store } from '../../store/port.ts';
import type { Feed } from '../cache/feed.ts';
import { decodeEntry, type Version } from '../cache/version.ts';
import type { ListOptions } from '../request/options.ts';
import type { Selection } from '../request/selection.ts';
import { refuse } from '../status-error.ts';
import type { Registry } from './registry.ts';

export interface Page {
  readonly versions: readonly Version[];
  /** ListMeta. */
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

interface Sources {
  readonly registry: Registry;
  readonly feed: Feed;
  readonly store: Store;
}

/**
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list: the newest state from
 * memory, except for what must be exactly as it was at some revision, which the store's history knows.
 */
export async function listPage(sources: Sources, selection: Selection, options: ListOptions): Promise<Page> {
  if (options.continue !== '') {
    const { revision, after } = decodeToken(options.continue, selection.prefix);
    if (revision !== undefined) return pastPage(sources.store, selection, options.limit, revision, after);
    await sources.feed.catchUp();
    return presentPage(sources, selection, options.limit, after);
  }
  const asked = Number(options.resourceVersion || 0);
  if (options.resourceVersion === '') await sources.feed.catchUp();
  else await reachAsked(sources.feed, asked);
  if (isExact(options) && asked !== sources.feed.revision)
    return pastPage(sources.store, selection, options.limit, asked, undefined);
  return presentPage(sources, selection, options.limit);
}

/** A page of a version that is named is of that version, unless the client says that a newer one will do. */
const isExact = ({ resourceVersion, resourceVersionMatch, limit }: ListOptions) =>
  resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0 && Number(resourceVersion) > 0);

function presentPage({ registry, feed }: Sources, selection: Selection, limit: number, after = ''): Page {
  const versions: Version[] = [];
  let remaining = 0;
  for (const version of registry.cache.list(selection.prefix)) {
    if (version.key <= after || !selection.selects(version)) continue;
    if (limit > 0 && versions.length === limit) remaining++;
    else versions.push(version);
  }
  return page(versions, feed.revision, selection, remaining);
}

/** Reads on behind `after` until the page is full or there is no more. */
async function pastPage(
  store: Store,
  selection: Selection,
  limit: number,
  revision: number,
  after: string | undefined,
): Promise<Page> {
  const versions: Version[] = [];
  for (let last = after; ; ) {
    const listing = await past(store, selection.prefix, revision, last, limit);
    for (const entry of listing.entries) {
      const version = decodeEntry(entry);
      if (!selection.selects(version)) continue;
      if (limit > 0 && versions.length === limit) return page(versions, revision, selection, 1);
      versions.push(version);
    }
    if (listing.remaining === 0) return page(versions, revision, selection, 0);
    if (limit > 0 && versions.length === limit && selection.isEverything)
      return page(versions, revision, selection, listing.remaining);
    last = listing.entries.at(-1)!.key;
  }
}

async function past(store: Store, prefix: string, revision: number, after: string | undefined, limit: number) {
  try {
    const options = { revision, ...(after !== undefined && { after }), ...(limit > 0 && { limit }) };
    return await store.list(prefix, options);
  } catch (error) {
    if (isStoreError(error, 'compacted')) return refuse(after === undefined ? tooOld : tooOldToContinue(after, prefix));
    if (isStoreError(error, 'future')) return refuse(tooLarge(revision, store.revision));
    throw error;
  }
}

function page(versions: readonly Version[], revision: number, selection: Selection, remaining: number): Page {
  const resourceVersion = String(revision);
  if (remaining === 0) return { versions, metadata: { resourceVersion } };
  const token = encodeToken(revision, versions.at(-1)!.key, selection.prefix);
  // With a selector nobody knows how many are left without looking at them all (KEP-365's rule).
  const counted = selection.isEverything ? { remainingItemCount: remaining } : {};
  return { versions, metadata: { resourceVersion, continue: token, ...counted } };
}

const tooOld = expired('The resourceVersion for the provided list is too old.');

/** Comes with a token by which whoever does not mind may go on in what is there now (upstream's inconsistent continue). */
function tooOldToContinue(after: string, prefix: string): Status {
  const why =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  return { ...expired(why), metadata: { continue: encodeToken(undefined, after, prefix) } };
}

/** Waits a moment for a version that some other server may have handed out. */
export async function reachAsked(feed: Feed, asked: number): Promise<void> {
  if (asked <= feed.revision) return;
  await feed.catchUp();
  if (asked > feed.revision) refuse(tooLarge(asked, feed.revision));
}

/** Upstream's NewTooLargeResourceVersionError: clients know it by its cause and list anew. */
const tooLarge = (asked: number, current: number): Status =>
  failure('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** Opaque to clients; holds the revision all pages are read at (none: the newest) and the key the next one begins behind. */
const encodeToken = (revision: number | undefined, key: string, prefix: string): string =>
  Buffer.from(JSON.stringify({ v: 'signalbox/v1', rv: revision ?? -1, after: key.slice(prefix.length) })).toString(
    'base64url',
  );

function decodeToken(token: string, prefix: string): { revision: number | undefined; after: string } {
  try {
    const { v, rv, after } = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (v === 'signalbox/v1' && Number.isSafeInteger(rv) && typeof after === 'string')
      return { revision: rv < 0 ? undefined : rv, after: prefix + after };
  } catch {
    // Not a token of ours, which is what the refusal below says.
  }
  return refuse(badRequest('continue key is not valid'));
}
