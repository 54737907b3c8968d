import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { applyConfigDefaults } from '../config/defaults.ts';
import { type ProxyMode, proxyModes, proxySettings } from '../config/mod.ts';
import type { Dataplane } from '../dataplane/port.ts';
import { readSettings } from '../settings.ts';
import { FakeDataplane } from '../testing/fake-dataplane.ts';
import { node } from '../testing/objects.ts';
import { nodeView } from '../track/mod.ts';
import { chooseMode, type Dataplanes } from './dataplanes.ts';
import { healthCheckHosts } from './health-check-hosts.ts';
import { removeOtherModes } from './leftovers.ts';

type Opening = (() => Dataplane) | undefined;

const dataplanesThat = (opening: (mode: ProxyMode) => Opening): Dataplanes =>
  Object.fromEntries(
    proxyModes.map((mode) => [mode, opening(mode) ?? (() => new FakeDataplane())]),
  ) as unknown as Dataplanes;

const refuse = (code: string) => () => {
  throw new OperatingError('Open', code, 'no');
};

test('The best mode is nftables from Linux 5.13 on, else iptables; who asks for one gets it', () => {
  const able = dataplanesThat(() => undefined);
  assert.equal(chooseMode('', able, '6.18.44-amd64'), 'nftables');
  assert.equal(chooseMode('', able, '5.13.0'), 'nftables');
  assert.equal(chooseMode('', able, '5.12.19'), 'iptables');
  assert.equal(chooseMode('', able, '4.18.0-553.el8'), 'iptables');
  assert.equal(chooseMode('nftables', able, '4.18.0'), 'nftables');
  assert.equal(chooseMode('userspace', able, '6.1.0'), 'userspace');
});

test('A kernel without nf_tables is served by iptables; one that lets us do nothing, by nobody', () => {
  const withoutNft = dataplanesThat((mode) => (mode === 'nftables' ? refuse('unsupported') : undefined));
  assert.equal(chooseMode('', withoutNft, '6.1.0'), 'iptables');
  assert.throws(
    () =>
      chooseMode(
        '',
        dataplanesThat(() => refuse('EPERM')),
        '6.1.0',
      ),
    { code: 'EPERM' },
  );
  assert.throws(
    () =>
      chooseMode(
        '',
        dataplanesThat(() => refuse('unsupported')),
        '6.1.0',
      ),
    { code: 'unsupported' },
  );
});

test('Cleaning up goes through both families of all other modes, whatever fails on the way', () => {
  const cleaned: string[] = [];
  const dataplanes = dataplanesThat((mode) => {
    if (mode === 'iptables') return refuse('unsupported');
    return () => {
      const dataplane = new FakeDataplane();
      dataplane.cleanup = () => {
        cleaned.push(mode);
        if (mode === 'userspace') throw new Error('busy');
      };
      return dataplane;
    };
  });
  assert.equal(removeOtherModes(dataplanes, undefined, silentLogger).length, 2);
  assert.deepEqual(cleaned, ['nftables', 'nftables', 'userspace', 'userspace']);
  cleaned.length = 0;
  assert.equal(removeOtherModes(dataplanes, 'userspace', silentLogger).length, 0);
  assert.deepEqual(cleaned, ['nftables', 'nftables']);
});

const hostCases: [string, object, string[]][] = [
  ['everywhere', {}, ['0.0.0.0', '::']],
  ['one family restricted', { nodePortAddresses: ['10.0.0.0/8'] }, ['10.0.0.1', '::']],
  ['both restricted', { nodePortAddresses: ['10.0.0.0/8', 'fd00::/64'] }, ['10.0.0.1', 'fd00::1']],
  ['primary', { nodePortAddresses: ['primary'] }, ['192.0.2.1']],
];

for (const [title, given, expected] of hostCases) {
  test(`Health checks answer where node ports do: ${title}`, () => {
    const settingsOf = readSettings(proxySettings(applyConfigDefaults(given), 'iptables'));
    const view = nodeView('node1', node('node1', { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] }));
    assert.deepEqual(
      healthCheckHosts(settingsOf, view, ['127.0.0.1', '10.0.0.1', '192.0.2.1', '::1', 'fd00::1']),
      expected,
    );
  });
}

test('On a machine without IPv6 health checks answer in IPv4', () => {
  const settingsOf = readSettings(proxySettings(applyConfigDefaults({}), 'nftables'));
  assert.deepEqual(healthCheckHosts(settingsOf, nodeView('node1'), ['127.0.0.1', '10.0.0.1']), ['0.0.0.0']);
});
