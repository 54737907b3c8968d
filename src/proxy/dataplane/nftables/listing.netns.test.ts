import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createKernel } from '../../../kernel/mod.ts';
import { type Family, Ledger } from '../../plan/mod.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { withoutNft } from '../../testing/without-nft.ts';
import { createNftablesDataplane } from './mod.ts';
import { exampleDrafts } from './testing/example.ts';

/** The tool of the machine, which is not ours: the proxy itself does without. */
function nft(netns: string, words: string[], input = ''): string {
  return execFileSync('nsenter', [`--net=${netns}`, 'nft', ...words], { encoding: 'utf8', input });
}

const detectors = [
  { kind: 'source-range', range: '10.244.0.0/16' },
  { kind: 'bridge', interface: 'cbr0' },
  { kind: 'interface-prefix', prefix: 'veth' },
] as const;
type Detector = (typeof detectors)[number];

function load(netns: string, family: Family, detector: Detector): void {
  const isV4 = family === 'IPv4';
  const ledger = new Ledger();
  for (const draft of exampleDrafts(family)) ledger.update(draft.name.service, [draft]);
  const dataplane = createNftablesDataplane(createKernel(), { family, netns });
  dataplane.configure(
    trafficSettings({
      family,
      localDetector: detector.kind === 'source-range' && !isV4 ? { ...detector, range: 'fd00:244::/48' } : detector,
      nodePorts: { ranges: isV4 ? ['192.168.0.0/16', '0.0.0.0/0'] : ['fd00:168::/64'], localhost: false },
      dropInvalid: true,
      serviceRanges: [isV4 ? '10.96.0.0/16' : 'fd00:96::/112'],
    }),
  );
  dataplane.converge(dataplane.read(), ledger.ports());
  dataplane.close();
}

/** Without what differs between versions of nft: spaces, and how it writes priorities. */
const essence = (listing: string): string[] =>
  listing
    .split('\n')
    .map((line) => line.trim().replace(/priority [^;]+;/, 'priority …;'))
    .filter((line) => line !== '');

test('nft lists the table in text and in JSON, and says what it does', { skip: withoutNft }, (t) => {
  const netns = testNamespace(t);
  load(netns, 'IPv4', detectors[0]);
  const lines = essence(nft(netns, ['list', 'ruleset']));
  const wanted = [
    'type filter hook prerouting priority …; policy accept;',
    'ct state invalid drop',
    'ip daddr . meta l4proto . th dport @frontends-0 goto refuse',
    'ip daddr . meta l4proto . th dport . ip saddr & 255.255.255.0 @sources-24 return',
    'ip daddr @cluster-ips ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000',
    'ip daddr @external-ips jump external-frontends',
    'ip daddr . meta l4proto . th dport @local-frontends fib saddr type local meta mark set meta mark | 0x00004000 goto to-inside-frontends',
    'fib daddr type local ip daddr 192.168.0.0/16 ip daddr != 127.0.0.0/8 meta l4proto . th dport @node-ports goto external-node-ports',
    'ip daddr . meta l4proto . th dport @frontends-2 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints',
    'meta l4proto . th dport @inside-node-ports-1 dnat ip to meta l4proto . th dport . numgen random mod 1 map @inside-node-port-endpoints',
    'ip daddr . meta l4proto . th dport . ip saddr @frontend-clients-1 jump to-frontends-number-1',
    'numgen random mod 2 0 jump to-frontends-number-0',
    'ip daddr . meta l4proto . th dport @frontend-affinity-10800 update @frontend-clients-1 { ip daddr . meta l4proto . th dport . ip saddr timeout 3h }',
    'ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random',
  ];
  for (const line of wanted) assert.ok(lines.includes(line), `${line} is not among\n${lines.join('\n')}`);
  assert.match(lines.join(' '), /10\.96\.0\.1 \. tcp \. 80 \. 1 : 10\.244\.2\.2 \. 9376/);
  assert.match(lines.join(' '), /10\.96\.0\.7 \. sctp \. 3868/);
  assert.doesNotMatch(lines.join(' '), /invalid type|unknown/);

  const { nftables } = JSON.parse(nft(netns, ['-j', 'list', 'ruleset'])) as { nftables: object[] };
  const count = (kind: string) => nftables.filter((object) => kind in object).length;
  assert.equal(count('map'), 4);
  assert.ok(count('chain') > 10 && count('rule') > 10 && count('set') > 5);
});

for (const family of ['IPv4', 'IPv6'] as const) {
  for (const detector of detectors) {
    test(`What nft has listed it can load again, word for word: ${family}, ${detector.kind}`, {
      skip: withoutNft,
    }, (t) => {
      const netns = testNamespace(t);
      load(netns, family, detector);
      const listing = nft(netns, ['list', 'ruleset']);
      nft(netns, ['-f', '-'], `flush ruleset\n${listing}`);
      assert.equal(nft(netns, ['list', 'ruleset']), listing);
    });
  }
}
