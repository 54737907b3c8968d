import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createKernel } from '../../../kernel/mod.ts';
import { Ledger } from '../../plan/mod.ts';
import { drafts } from '../../testing/drafts.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { createNftablesDataplane } from './mod.ts';

/** The tool of the machine, which is not ours: the proxy itself does without. */
const skip = (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/nft`))
  ? false
  : 'nft is not installed here';

function nft(netns: string, ...words: string[]): string {
  return execFileSync('nsenter', [`--net=${netns}`, 'nft', ...words], { encoding: 'utf8' });
}

function load(netns: string) {
  const ledger = new Ledger();
  for (const [i, count] of [0, 1, 3, 3].entries()) ledger.update(`default/s${i + 1}`, drafts(i + 1, count));
  const dataplane = createNftablesDataplane(createKernel(), { family: 'IPv4', netns });
  dataplane.configure(
    trafficSettings({
      localDetector: { kind: 'source-range', range: '10.244.0.0/16' },
      serviceRanges: ['10.96.0.0/16'],
    }),
  );
  dataplane.converge(dataplane.read(), ledger.ports());
  return dataplane;
}

/** Without what differs between versions of nft: spaces, and how it writes priorities. */
const essence = (listing: string): string[] =>
  listing
    .split('\n')
    .map((line) => line.trim().replace(/priority [^;]+;/, 'priority …;'))
    .filter((line) => line !== '');

test('nft lists the table in text and in JSON, and says what it does', { skip }, (t) => {
  const netns = testNamespace(t);
  load(netns).close();
  const lines = essence(nft(netns, 'list', 'ruleset'));
  const wanted = [
    'type filter hook prerouting priority …; policy accept;',
    'ip daddr . meta l4proto . th dport @frontends-0 goto refuse',
    'ip daddr @cluster-ips goto to-vips',
    'ip daddr . meta l4proto . th dport @frontends-3 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 3 map @endpoints',
    'meta l4proto . th dport @node-ports-1 dnat ip to meta l4proto . th dport . numgen random mod 1 map @node-port-endpoints',
    'ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random',
  ];
  for (const line of wanted) assert.ok(lines.includes(line), `${line} is not among\n${lines.join('\n')}`);
  assert.match(lines.join(' '), /10\.96\.0\.3 \. tcp \. 80 \. 2 : 10\.0\.3\.2 \. 9376/);
  assert.doesNotMatch(lines.join(' '), /invalid|unknown/);

  const { nftables } = JSON.parse(nft(netns, '-j', 'list', 'ruleset')) as { nftables: object[] };
  const count = (kind: string) => nftables.filter((object) => kind in object).length;
  assert.equal(count('map'), 2);
  assert.ok(count('chain') > 10 && count('rule') > 10 && count('set') > 5);
});

test('What nft has listed it can load again, word for word', { skip }, (t) => {
  const netns = testNamespace(t);
  load(netns).close();
  const listing = nft(netns, 'list', 'ruleset');
  execFileSync('nsenter', [`--net=${netns}`, 'nft', '-f', '-'], { input: `flush ruleset\n${listing}` });
  assert.equal(nft(netns, 'list', 'ruleset'), listing);
});
