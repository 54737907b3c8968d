import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidatesOf } from './search.ts';

const pod = {
  searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
  options: ['ndots:5'],
};
const host = { searches: ['example.com'], options: [] };

test('names are asked for in the order of resolv.conf(5)', () => {
  const table: [string, typeof pod | typeof host, string[]][] = [
    ['web', pod, ['web.default.svc.cluster.local', 'web.svc.cluster.local', 'web.cluster.local', 'web']],
    [
      'web.shop',
      pod,
      ['web.shop.default.svc.cluster.local', 'web.shop.svc.cluster.local', 'web.shop.cluster.local', 'web.shop'],
    ],
    ['web.default.svc.cluster.local.', pod, ['web.default.svc.cluster.local']],
    ['a.b.c.d.e.f', pod, ['a.b.c.d.e.f', ...pod.searches.map((suffix) => `a.b.c.d.e.f.${suffix}`)]],
    ['www', host, ['www.example.com', 'www']],
    ['www.example.org', host, ['www.example.org', 'www.example.org.example.com']],
    ['www', { searches: [], options: [] }, ['www']],
    ['www', { searches: ['.', 'example.com.'], options: ['ndots:0'] }, ['www', 'www.example.com']],
    ['x'.repeat(250), host, ['x'.repeat(250)]],
  ];
  for (const [name, config, names] of table) {
    assert.deepEqual(
      candidatesOf(name, config).map((candidate) => candidate.name),
      names,
      name,
    );
  }
});
