import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { StoreEvent } from '../../store/port.ts';
import { type EventEncoding, plainEncoding } from './change.ts';
import { ResourceCache, type WatchSpec } from './resource-cache.ts';
import { encodeStored, type Version } from './version.ts';
import type { WatchStream } from './watch-stream.ts';

const prefix = '/registry/core/pods/';

const put = (revision: number, name: string, labels: Record<string, string> = {}): StoreEvent => {
  const key = `${prefix}default/${name}`;
  const metadata = { name, namespace: 'default', uid: name, labels, creationTimestamp: '2026-01-01T00:00:00Z' };
  const value = encodeStored({ apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, resourceVersion: '' } });
  return { type: 'put', revision, key, entry: { key, value, createRevision: 0, modRevision: revision } };
};
const remove = (revision: number, name: string): StoreEvent => ({
  type: 'delete',
  revision,
  key: `${prefix}default/${name}`,
});

const spec = (selects: WatchSpec['selects'] = () => true, encoding: EventEncoding = plainEncoding): WatchSpec => ({
  selects,
  encoding,
  wantsBookmarks: true,
  bookmark: (revision) => `{"type":"BOOKMARK","revision":${revision}}\n`,
});
const isFront = ({ object }: Version) => object.metadata.labels?.tier === 'front';

interface Line {
  type: string;
  object: { metadata: { name: string; resourceVersion: string; labels: Record<string, string> } };
}

/** Ends the stream and reads everything in it. */
async function drain(stream: WatchStream): Promise<Line[]> {
  stream.end();
  let text = '';
  for await (const piece of stream) text += piece;
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
const summary = (lines: Line[]) => lines.map(({ type, object }) => `${type} ${object.metadata.name}`);

describe('ResourceCache', () => {
  test('lists in the order of the keys, within a prefix', () => {
    const cache = new ResourceCache(prefix);
    for (const [index, name] of ['c', 'a', 'b'].entries()) cache.apply(put(index + 2, name));
    cache.apply(remove(9, 'b'));
    assert.deepEqual(
      [...cache.list(`${prefix}default/`)].map(({ object }) => object.metadata.name),
      ['a', 'c'],
    );
    assert.deepEqual([...cache.list(`${prefix}other/`)], []);
  });

  test('gives an object its resourceVersion without encoding it anew', () => {
    const cache = new ResourceCache(prefix);
    cache.apply(put(7, 'a', { text: '"metadata":{' }));
    const version = cache.get(`${prefix}default/a`)!;
    assert.deepEqual(JSON.parse(version.json), version.object);
    assert.equal(version.object.metadata.resourceVersion, '7');
  });

  test('shows what enters a selection as added and what leaves it as deleted, as it last was', async () => {
    const cache = new ResourceCache(prefix);
    const stream = cache.watchAll(spec(isFront), prefix, '');
    cache.apply(put(2, 'a', { tier: 'back' }));
    cache.apply(put(3, 'a', { tier: 'front' }));
    cache.apply(put(4, 'a', { tier: 'front', more: 'x' }));
    cache.apply(put(5, 'a', { tier: 'back' }));
    cache.apply(remove(6, 'a'));
    const lines = await drain(stream);
    assert.deepEqual(summary(lines), ['ADDED a', 'MODIFIED a', 'DELETED a']);
    assert.deepEqual(lines[2]!.object.metadata.labels, { tier: 'front', more: 'x' });
    assert.equal(lines[2]!.object.metadata.resourceVersion, '5');
  });

  test('encodes an event once, however many watch', async () => {
    const cache = new ResourceCache(prefix);
    let encoded = 0;
    const counting: EventEncoding = {
      name: 'counting',
      encode: (version) => {
        encoded++;
        return version.json;
      },
    };
    const streams = Array.from({ length: 100 }, () => cache.watchAll(spec(undefined, counting), prefix, ''));
    cache.apply(put(2, 'a'));
    assert.equal(encoded, 1);
    for (const stream of streams) assert.deepEqual(summary(await drain(stream)), ['ADDED a']);
    assert.equal(encoded, 1);
    assert.equal(cache.watcherCount, 0);
  });

  test('replays the past for a watch that starts there', async () => {
    const cache = new ResourceCache(prefix);
    cache.load([], 1);
    cache.apply(put(2, 'a'));
    cache.apply(put(3, 'b'));
    const stream = cache.watchAfter(spec(), 2);
    cache.apply(remove(4, 'a'));
    assert.deepEqual(summary(await drain(stream)), ['ADDED b', 'DELETED a']);
  });

  test('knows how far back it reaches', () => {
    const cache = new ResourceCache(prefix);
    cache.load([], 10);
    assert.equal(cache.reachesBack(9), false);
    assert.equal(cache.reachesBack(10), true);
    for (let revision = 11; revision <= 20; revision++) cache.apply(put(revision, 'a'));
    cache.forgetBefore(15);
    assert.equal(cache.reachesBack(14), false);
    assert.equal(cache.reachesBack(15), true);
    assert.equal(cache.oldestWatchable, 15);
  });

  test('bounds the past it keeps', async () => {
    const cache = new ResourceCache(prefix);
    cache.load([], 1);
    const writes = 20_000;
    for (let revision = 2; revision < writes; revision++) cache.apply(put(revision, 'a'));
    assert.equal(cache.reachesBack(1), false);
    assert(cache.reachesBack(writes - 8_000));
    assert.equal(
      (await drain(cache.watchAfter(spec(), cache.oldestWatchable))).length,
      writes - 1 - cache.oldestWatchable,
    );
  });

  test('cuts off a watcher that does not read, and nobody else', async () => {
    const cache = new ResourceCache(prefix);
    const slow = cache.watchAll(spec(), prefix, '');
    const quick = cache.watchAll(spec(), prefix, '');
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of quick) seen.push(...piece.split('\n').filter((line) => line !== ''));
    })();
    const writes = 20_000;
    for (let revision = 2; revision < writes + 2; revision++) {
      cache.apply(put(revision, 'a'));
      if (revision % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(slow.isOpen, false);
    assert.equal(quick.isOpen, true);
    assert.equal(cache.watcherCount, 1);
    quick.end();
    await reading;
    assert.equal(seen.length, writes);
    const lines = await drain(slow);
    const versions = lines.map(({ object }) => Number(object.metadata.resourceVersion));
    assert.deepEqual(
      versions,
      versions.map((_, index) => index + 2),
      'what it got has no holes',
    );
  });

  test('forgets a watcher whose reader leaves', async () => {
    const cache = new ResourceCache(prefix);
    cache.apply(put(2, 'a'));
    for await (const _ of cache.watchAll(spec(), prefix, '')) break;
    assert.equal(cache.watcherCount, 0);
  });

  test('property: whoever follows a selection knows what a list would show', async () => {
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      action: fc.constantFrom('front', 'back', 'delete'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(30), async (steps, start) => {
        const cache = new ResourceCache(prefix);
        cache.load([], 1);
        let stream: WatchStream | undefined;
        for (const [index, { name, action }] of steps.entries()) {
          if (index === start) stream = cache.watchAll(spec(isFront), prefix, '');
          cache.apply(action === 'delete' ? remove(index + 2, name) : put(index + 2, name, { tier: action }));
        }
        const known = new Map<string, string>();
        const lines = await drain(stream ?? cache.watchAfter(spec(isFront), 1));
        for (const { type, object } of lines) {
          const { name, resourceVersion } = object.metadata;
          assert.equal(known.has(name), type !== 'ADDED', `${type} ${name}`);
          if (type === 'DELETED') known.delete(name);
          else known.set(name, resourceVersion);
        }
        const listed = [...cache.list(prefix)].filter(isFront);
        assert.deepEqual(
          [...known].sort(),
          listed.map(({ object: { metadata } }) => [metadata.name, metadata.resourceVersion]),
        );
      }),
    );
  });
});
