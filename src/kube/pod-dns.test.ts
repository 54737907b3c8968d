import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ndotsOf, parseResolvConf } from './pod-dns.ts';

test('resolv.conf(5) is read: comments, the last search wins, domain where there is none', () => {
  const text =
    '# by hand\nnameserver 192.0.2.1\nsearch a b\nsearch  c\td\n;x\nnameserver 192.0.2.2\noptions ndots:2 rotate\n';
  assert.deepEqual(parseResolvConf(text), {
    nameservers: ['192.0.2.1', '192.0.2.2'],
    searches: ['c', 'd'],
    options: ['ndots:2', 'rotate'],
  });
  assert.deepEqual(parseResolvConf('domain example.com').searches, ['example.com']);
  assert.deepEqual(parseResolvConf(''), { nameservers: [], searches: [], options: [] });
});

test('ndots is what stands last, 1 without, 15 at most', () => {
  const table: [string[], number][] = [
    [[], 1],
    [['ndots:5'], 5],
    [['ndots:5', 'rotate', 'ndots:2'], 2],
    [['ndots:0'], 0],
    [['ndots:99'], 15],
    [['ndots:x'], 1],
  ];
  for (const [options, ndots] of table) assert.equal(ndotsOf({ options }), ndots);
});
