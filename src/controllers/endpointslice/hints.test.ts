import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../kube/mod.ts';
import type { WantedEndpoint } from '../shared/slices.ts';
import { metaOf, nodeOf, serviceOf } from '../testing/objects.ts';
import { withHints, type ZoneShares, zoneSharesOf } from './hints.ts';

/** `a1`: ready, in zone a on node a1; `!a1`: not ready; `1`: on a node without a zone. */
function endpointsOf(text: string): WantedEndpoint[] {
  return text.split(' ').map((word, index) => {
    const [, isNot, zone, nodeName] = /^(!?)(([a-z]?)\d+)$/.exec(word)!.map(String);
    const ready = isNot !== '!';
    const endpoint = {
      addresses: [`10.0.0.${index}`],
      conditions: { ready, serving: ready, terminating: false },
      nodeName: zone!,
      ...(nodeName && { zone: nodeName }),
    };
    return { endpoint, ports: [] };
  });
}

/** The zones, and behind a slash the nodes, that each endpoint is for; `-`: no hint. */
const hintsOf = (wanted: readonly WantedEndpoint[]) =>
  wanted
    .map(({ endpoint: { hints } }) => {
      if (!hints) return '-';
      const names = (list: readonly { readonly name: string }[] = []) => list.map(({ name }) => name).join(',');
      return hints.forNodes ? `${names(hints.forZones)}/${names(hints.forNodes)}` : names(hints.forZones);
    })
    .join(' ');

const http = [{ port: 80 }];
const distributed = (trafficDistribution: string) => serviceOf(http, { trafficDistribution });
const auto = (value = 'Auto', name = 'service.kubernetes.io/topology-mode'): Service => ({
  ...serviceOf(http, { trafficDistribution: 'PreferClose' }),
  metadata: metaOf('web', { annotations: { [name]: value } }),
});
const half: ZoneShares = new Map([
  ['a', 0.5],
  ['b', 0.5],
]);

const cases: [string, Service, string, ZoneShares, string][] = [
  ['nothing is asked for', serviceOf(http), 'a1 b1', half, '- -'],
  ['PreferClose', distributed('PreferClose'), 'a1 b1 !b2 9', undefined, 'a b - -'],
  ['PreferSameZone', distributed('PreferSameZone'), 'a1 a2', undefined, 'a a'],
  [
    'PreferSameNode, and the zone where the node has none',
    distributed('PreferSameNode'),
    'a1 b1 !b2 9',
    undefined,
    'a/a1 b/b1 - /9',
  ],
  ['Auto, each its own', auto(), 'a1 a2 b1 b2', half, 'a a b b'],
  ['Auto goes before trafficDistribution', auto(), 'a1 b1', undefined, '- -'],
  ['the older annotation', auto('auto', 'service.kubernetes.io/topology-aware-hints'), 'a1 b1', half, 'a b'],
  ['Auto, one zone has too many', auto(), 'a1 a2 a3 b1', half, 'a a b b'],
  ['Auto, a little uneven is even enough', auto(), 'a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 b5', half, 'a a a a a a b b b b b'],
  ['Auto, a zone without any', auto(), 'a1 a2 a3 a4', half, 'a a b b'],
  ['Auto, fewer endpoints than zones', auto(), 'a1', half, '-'],
  ['Auto, unready ones do not count', auto(), 'a1 !b1', half, '- -'],
  ['Auto, one zone alone', auto(), 'a1 a2', new Map([['a', 1]]), '- -'],
  ['Auto, an endpoint of no zone', auto(), 'a1 b1 9', half, '- - -'],
  ['Auto, nodes of which too little is known', auto(), 'a1 b1', undefined, '- -'],
  [
    'Auto, a zone with too small a share for an endpoint of its own',
    auto(),
    'a1 a2 b1',
    new Map([
      ['a', 0.34],
      ['b', 0.33],
      ['c', 0.33],
    ]),
    'a c b',
  ],
];

for (const [title, service, endpoints, shares, expected] of cases) {
  test(`hints: ${title}`, () => assert.equal(hintsOf(withHints(service, endpointsOf(endpoints), shares)), expected));
}

test('no zone is asked to carry more than a fifth beyond its share, whatever is where', () => {
  const zones = ['a', 'b', 'c', 'd'];
  const shares = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 4 });
  const places = fc.array(fc.constantFrom(...zones), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(shares, places, (weights, where) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const share = new Map(weights.map((weight, index) => [zones[index]!, weight / total]));
      const wanted = withHints(auto(), endpointsOf(where.map((zone, n) => `${zone}${n}`).join(' ')), share);
      const hints = wanted.map(({ endpoint }) => endpoint.hints?.forZones?.[0]?.name);
      if (hints.every((zone) => zone === undefined)) return;
      assert(
        hints.every((zone) => zone !== undefined),
        'all or none',
      );
      for (const [zone, part] of share) {
        const count: number = hints.filter((hint) => hint === zone).length;
        assert(count >= Math.ceil((part * hints.length) / 1.2), `${zone} has ${count} of ${hints.length} for ${part}`);
      }
    }),
  );
});

test('shares of zones are those of ready nodes, and nothing when one of them does not say', () => {
  const node = (
    name: string,
    zone: string | undefined,
    cpu: string,
    more: { isReady?: boolean; labels?: object } = {},
  ) => {
    const made = nodeOf(name, { labels: { ...(zone && { 'topology.kubernetes.io/zone': zone }), ...more.labels } });
    const status = more.isReady === false ? ('False' as const) : ('True' as const);
    return { ...made, status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status }] } };
  };
  const nodes = [
    node('1', 'b', '3'),
    node('2', 'a', '500m'),
    node('3', 'a', '500m'),
    node('4', 'c', '9', { isReady: false }),
  ];
  const master = node('5', 'a', '96', { labels: { 'node-role.kubernetes.io/control-plane': '' } });
  const expected = [
    ['a', 0.25],
    ['b', 0.75],
  ];
  assert.deepEqual([...zoneSharesOf([...nodes, master])!], expected);
  assert.equal(zoneSharesOf([...nodes, node('6', undefined, '1')]), undefined);
  assert.equal(zoneSharesOf([...nodes, node('6', 'a', '0')]), undefined);
});
