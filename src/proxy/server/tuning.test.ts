import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../base/log.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { applyConfigDefaults } from '../config/defaults.ts';
import type { ProxyMode } from '../config/mod.ts';
import { tuneNode } from './tuning.ts';

const conntrack = 'proc/sys/net/netfilter/nf_conntrack_';
const hashSize = 'sys/module/nf_conntrack/parameters/hashsize';
const routeLocalnet = 'proc/sys/net/ipv4/conf/all/route_localnet';

/** A machine of files, with Linux's usual values. */
function machine(t: TestContext, without: readonly string[] = []) {
  const root = mkdtempSync(join(tmpdir(), 'signalbox-tuning-'));
  t.after(() => rmSync(root, { recursive: true }));
  const files: Record<string, string> = {
    [`${conntrack}max`]: '65536',
    [`${conntrack}tcp_timeout_established`]: '432000',
    [`${conntrack}tcp_timeout_close_wait`]: '60',
    [`${conntrack}tcp_be_liberal`]: '0',
    [`${conntrack}udp_timeout`]: '30',
    [`${conntrack}udp_timeout_stream`]: '120',
    [hashSize]: '16384',
    [routeLocalnet]: '0',
    'proc/self/oom_score_adj': '0',
  };
  for (const [file, value] of Object.entries(files)) {
    if (without.includes(file)) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${value}\n`);
  }
  const value = (file: string) => readFileSync(join(root, file), 'utf8').trim();
  const tune = (given: object, mode: ProxyMode = 'nftables', cpus = 2) =>
    tuneNode(config(given), mode, { log: silentLogger, cpus, root });
  return { value, tune };
}

const config = (given: object): KubeProxyConfiguration => applyConfigDefaults(given);

test('Limits and timeouts are raised to what is asked for, never lowered', (t) => {
  const { value, tune } = machine(t);
  assert.deepEqual(tune({}), []);
  assert.equal(value(`${conntrack}max`), '131072');
  assert.equal(value(hashSize), '32768');
  assert.equal(value(`${conntrack}tcp_timeout_established`), '432000');
  assert.equal(value(`${conntrack}tcp_timeout_close_wait`), '3600');
  assert.equal(value(`${conntrack}udp_timeout`), '30');
  assert.equal(value(`${conntrack}tcp_be_liberal`), '0');
  assert.equal(value('proc/self/oom_score_adj'), '-999');
  tune({ conntrack: { tcpBeLiberal: true, udpTimeout: '1m0s', udpStreamTimeout: '1s' }, oomScoreAdj: 0 });
  assert.equal(value(`${conntrack}udp_timeout`), '60');
  assert.equal(value(`${conntrack}udp_timeout_stream`), '120');
  assert.equal(value(`${conntrack}tcp_be_liberal`), '1');
  assert.equal(value('proc/self/oom_score_adj'), '0');
});

test('The limit grows with the CPUs; per-core 0 leaves it as it is', (t) => {
  const { value, tune } = machine(t);
  tune({ conntrack: { maxPerCore: 0 } });
  assert.equal(value(`${conntrack}max`), '65536');
  assert.equal(value(hashSize), '16384');
  tune({}, 'nftables', 64);
  assert.equal(value(`${conntrack}max`), '2097152');
});

test('Only iptables mode with node ports on localhost routes loopback addresses', (t) => {
  const { value, tune } = machine(t);
  tune({});
  tune({}, 'userspace');
  tune({ iptables: { localhostNodePorts: false } }, 'iptables');
  tune({ nodePortAddresses: ['10.0.0.0/8'] }, 'iptables');
  tune({ nodePortAddresses: ['primary'] }, 'iptables');
  assert.equal(value(routeLocalnet), '0');
  tune({}, 'iptables');
  assert.equal(value(routeLocalnet), '1');
});

test('What cannot be set is told, and the rest is set', (t) => {
  const { value, tune } = machine(t, [`${conntrack}max`]);
  const problems = tune({});
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['FailedToSetSysctl'],
  );
  assert.match(problems[0]!.message, /^Cannot set \/proc\/sys\/net\/netfilter\/nf_conntrack_max to 131072: ENOENT/);
  assert.equal(value(`${conntrack}tcp_timeout_close_wait`), '3600');
});
