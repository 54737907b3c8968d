import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { until } from '../testing/until.ts';
import { withoutOurselves } from './own-addresses.ts';
import { ResolvConf } from './resolv-conf.ts';
import { parseResolvConf, parseUpstream, socketAddressText, targetText } from './upstreams.ts';

test('resolv.conf is read as resolver libraries read it, with as many servers as there are', () => {
  const table: [string, string[]][] = [
    ['', []],
    ['nameserver 192.0.2.1\nnameserver 192.0.2.2', ['192.0.2.1:53', '192.0.2.2:53']],
    [
      '# nameserver 192.0.2.9\n;nameserver 192.0.2.8\nsearch a b\n\tnameserver\t192.0.2.1 # first\r\n',
      ['192.0.2.1:53'],
    ],
    ['nameserver 2001:db8::1\nnameserver fe80::1%eth0', ['[2001:db8::1]:53', '[fe80::1%eth0]:53']],
    ['nameserver dns.example.com\nnameserver\nnameservers 192.0.2.1', []],
    ['nameserver 192.0.2.1\nnameserver 192.0.2.1', ['192.0.2.1:53']],
    [
      'nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4',
      ['1.1.1.1:53', '2.2.2.2:53', '3.3.3.3:53', '4.4.4.4:53'],
    ],
  ];
  for (const [text, expected] of table) assert.deepEqual(parseResolvConf(text).map(socketAddressText), expected, text);
});

test('upstreams are addresses with or without a port', () => {
  const table: [string, string][] = [
    ['192.0.2.1', '192.0.2.1:53'],
    ['192.0.2.1:5353', '192.0.2.1:5353'],
    ['2001:db8::1', '[2001:db8::1]:53'],
    ['[2001:db8::1]', '[2001:db8::1]:53'],
    ['[2001:db8::1]:5353', '[2001:db8::1]:5353'],
    ['dns://192.0.2.1', '192.0.2.1:53'],
    ['https://9.9.9.9', 'https://9.9.9.9:443'],
    ['https://9.9.9.9%dns.quad9.net:8443/own', 'https://9.9.9.9:8443/own (dns.quad9.net)'],
    ['tls://9.9.9.9', 'tls://9.9.9.9:853'],
    ['tls://9.9.9.9:8853', 'tls://9.9.9.9:8853'],
    ['tls://9.9.9.9%dns.quad9.net', 'tls://9.9.9.9:853 (dns.quad9.net)'],
    ['tls://9.9.9.9%dns.quad9.net:8853', 'tls://9.9.9.9:8853 (dns.quad9.net)'],
    ['tls://[2620:fe::fe%dns.quad9.net]:8853', 'tls://[2620:fe::fe]:8853 (dns.quad9.net)'],
    ['tls://2620:fe::fe%dns.quad9.net', 'tls://[2620:fe::fe]:853 (dns.quad9.net)'],
  ];
  for (const [text, expected] of table) assert.equal(targetText(parseUpstream(text)), expected, text);
  for (const text of [
    '',
    'dns.example.com',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:',
    '[192.0.2]:53',
    'tls://',
    'doh://192.0.2.1',
  ]) {
    assert.throws(() => parseUpstream(text), UsageError, text);
  }
});

test('a server never forwards to itself', () => {
  const local = () => ['10.0.0.5', '127.0.0.1'];
  const table: [string[], string[], string[]][] = [
    [['127.0.0.1:53', '192.0.2.1:53'], ['127.0.0.1:53'], ['192.0.2.1:53']],
    [['127.0.0.1:5353'], ['127.0.0.1:53'], ['127.0.0.1:5353']],
    [['10.0.0.5:53', '127.0.0.53:53', '192.0.2.1:53'], ['0.0.0.0:53'], ['192.0.2.1:53']],
    [['10.0.0.5:53'], ['10.0.0.6:53'], ['10.0.0.5:53']],
  ];
  for (const [upstreams, listening, expected] of table) {
    const left = withoutOurselves(upstreams.map(parseUpstream), listening.map(parseUpstream), local);
    assert.deepEqual(left.map(socketAddressText), expected);
  }
});

test('resolv.conf is followed; while it is away the last resolvers stay', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-resolv-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'resolv.conf');
  const clock = new ManualClock();
  const followed = new ResolvConf({ path: file, clock, log: silentLogger });
  t.after(() => followed.stop());
  await followed.start();
  const addresses = () => followed.upstreams.map(({ address }) => address);
  const nextRead = async () => {
    await clock.advance(5000);
    await until(() => clock.pendingTimers === 1);
  };
  assert.deepEqual(addresses(), []);
  await writeFile(file, 'nameserver 192.0.2.1\n');
  await nextRead();
  assert.deepEqual(addresses(), ['192.0.2.1']);
  await writeFile(file, 'nameserver 192.0.2.2\n');
  await nextRead();
  assert.deepEqual(addresses(), ['192.0.2.2']);
  await rm(file);
  await nextRead();
  assert.deepEqual(addresses(), ['192.0.2.2']);
  followed.stop();
  assert.equal(clock.pendingTimers, 0);
});
