import type { Entry, StoreEvent } from '../../store/port.ts';
import { Change, type EventEncoding, eventLine } from './change.ts';
import { decodeEntry, type Version } from './version.ts';
import { WatchStream } from './watch-stream.ts';

export interface WatchSpec {
  readonly selects: (version: Version) => boolean;
  readonly encoding: EventEncoding;
  readonly wantsBookmarks: boolean;
  /** A line that says only how far the watch has come. */
  readonly bookmark: (revision: number) => string;
}

interface Watcher extends WatchSpec {
  readonly stream: WatchStream;
}

/** Either is absent on creation and on deletion. */
export type ChangeListener = (before: Version | undefined, after: Version | undefined) => void;

/** How many changes of one kind are kept for watches that start in the past. */
const windowChanges = 8_192;
/** A watcher this many events behind is cut off. */
const maxQueuedLines = 16_384;

/**
 * All objects of one kind, in memory and in the order of their keys, with the changes of the recent past and those
 * who watch. Nothing here waits: the feed applies a commit to it and every watcher's queue in one go.
 */
export class ResourceCache {
  readonly prefix: string;
  readonly #versions = new Map<string, Version>();
  #keys: string[] = [];
  #window: Change[] = [];
  /** A watch may start after any revision from here on. */
  #floor = 0;
  readonly #watchers = new Set<Watcher>();
  readonly #listeners: ChangeListener[] = [];

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  get size(): number {
    return this.#versions.size;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  load(entries: readonly Entry[], revision: number): void {
    for (const entry of entries) this.#versions.set(entry.key, decodeEntry(entry));
    this.#keys = entries.map((entry) => entry.key);
    this.#floor = revision;
    for (const version of this.#versions.values()) this.#tell(undefined, version);
  }

  /** For what is derived from the objects and must stand at the same revision: called for what is loaded, too. */
  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  get(key: string): Version | undefined {
    return this.#versions.get(key);
  }

  /** The objects whose keys begin with `prefix`, in the order of their keys. */
  *list(prefix: string): IterableIterator<Version> {
    for (let index = this.#position(prefix); index < this.#keys.length; index++) {
      const key = this.#keys[index]!;
      if (!key.startsWith(prefix)) return;
      yield this.#versions.get(key)!;
    }
  }

  apply(event: StoreEvent): void {
    const before = this.#versions.get(event.key);
    const after = event.entry && decodeEntry(event.entry);
    if (after) this.#put(after, before === undefined);
    else if (before) this.#remove(event.key);
    else return;
    this.#tell(before, after);
    const change = new Change(event.revision, before, after);
    this.#remember(change);
    for (const watcher of this.#watchers) deliver(watcher, change);
    change.forgetLines();
  }

  /** The revision after which a watch may start at the earliest. */
  get oldestWatchable(): number {
    return this.#floor;
  }

  /** Whether the changes after `revision` are all still at hand. */
  reachesBack(revision: number): boolean {
    return revision >= this.#floor;
  }

  /** Drops changes that nobody may ask for any more. */
  forgetBefore(revision: number): void {
    const keep = this.#window.findIndex((change) => change.revision > revision);
    this.#window = keep < 0 ? [] : this.#window.slice(keep);
    this.#floor = Math.max(this.#floor, revision);
  }

  /** Everything there is, then every change. `trailer` is sent between the two. */
  watchAll(spec: WatchSpec, prefix: string, trailer: string): WatchStream {
    const versions = [...this.list(prefix)].filter(spec.selects);
    return this.#open(spec, initialLines(versions, spec.encoding, trailer));
  }

  /** Every change after a revision; the caller has asked `reachesBack`. */
  watchAfter(spec: WatchSpec, revision: number): WatchStream {
    const first = this.#window.findIndex((change) => change.revision > revision);
    return this.#open(spec, first < 0 ? [] : pastLines(this.#window.slice(first), spec));
  }

  /** Tells those who asked for it that they have seen everything up to a revision. */
  sendBookmarks(revision: number): void {
    for (const { wantsBookmarks, bookmark, stream } of this.#watchers)
      if (wantsBookmarks) stream.push(bookmark(revision));
  }

  endWatches(): void {
    for (const watcher of this.#watchers) watcher.stream.end();
  }

  #tell(before: Version | undefined, after: Version | undefined): void {
    for (const listener of this.#listeners) listener(before, after);
  }

  #open(spec: WatchSpec, initial: Iterable<string>): WatchStream {
    const watcher: Watcher = { ...spec, stream: new WatchStream(initial, maxQueuedLines) };
    this.#watchers.add(watcher);
    watcher.stream.onClose(() => this.#watchers.delete(watcher));
    return watcher.stream;
  }

  #put(version: Version, isNew: boolean): void {
    this.#versions.set(version.key, version);
    if (isNew) this.#keys.splice(this.#position(version.key), 0, version.key);
  }

  #remove(key: string): void {
    this.#versions.delete(key);
    this.#keys.splice(this.#position(key), 1);
  }

  #remember(change: Change): void {
    this.#window.push(change);
    if (this.#window.length < 2 * windowChanges) return;
    const dropped = this.#window.length - windowChanges;
    this.#floor = this.#window[dropped - 1]!.revision;
    this.#window = this.#window.slice(dropped);
  }

  /** The index of the first key that is not before this one. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function deliver(watcher: Watcher, change: Change): void {
  const type = change.typeFor(watcher.selects);
  if (type) watcher.stream.push(change.line(type, watcher.encoding));
}

function* initialLines(versions: readonly Version[], encoding: EventEncoding, trailer: string): Iterable<string> {
  for (let start = 0; start < versions.length; start += linesPerPiece) {
    const piece = versions.slice(start, start + linesPerPiece);
    yield piece.map((version) => eventLine('ADDED', encoding.encode(version))).join('');
  }
  if (trailer !== '') yield trailer;
}

function* pastLines(changes: readonly Change[], spec: WatchSpec): Iterable<string> {
  for (const change of changes) {
    const type = change.typeFor(spec.selects);
    if (type) yield change.line(type, spec.encoding);
    change.forgetLines();
  }
}

const linesPerPiece = 64;
