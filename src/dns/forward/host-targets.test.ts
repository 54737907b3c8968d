import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { answerTo, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { forwarding, wanted } from '../testing/forwarding.ts';
import { until } from '../testing/until.ts';
import { parseHostTarget } from './host-targets.ts';
import { socketAddressText } from './upstreams.ts';

test('what is the name of a host, and what was meant for something else', () => {
  const table: [string, unknown][] = [
    ['dns.example.org', { host: 'dns.example.org', port: 53, transport: 'dns' }],
    ['dns.example.org.', { host: 'dns.example.org', port: 53, transport: 'dns' }],
    ['kube-dns.kube-system.svc:5353', { host: 'kube-dns.kube-system.svc', port: 5353, transport: 'dns' }],
    ['https://dns.example.org/own', { host: 'dns.example.org', port: 443, transport: 'https', path: '/own' }],
    ['resolver', { host: 'resolver', port: 53, transport: 'dns' }],
    ['tls://dns.example.org', { host: 'dns.example.org', port: 853, transport: 'tls' }],
    ['tls://1dot1dot1dot1.example:8853', { host: '1dot1dot1dot1.example', port: 8853, transport: 'tls' }],
    ...['192.0.2.1', '192.0.2.256', '2001:db8::1', '[2001:db8::1]:53', 'a:0', 'a:65536', '-a', 'a..b', 'quic://a'].map(
      (text): [string, unknown] => [text, undefined],
    ),
  ];
  for (const [text, expected] of table) assert.deepEqual(parseHostTarget(text), expected, text);
});

test('a resolver that is named is looked up, again and again, and asked where it is then', async (t) => {
  const answering = (question: UpstreamQuestion) => question.reply(answerTo(question, { addresses: ['192.0.2.1'] }));
  const first = await fakeUpstream(t, answering);
  const second = await fakeUpstream(t, answering, { address: '127.0.0.2', port: first.port });
  let place: string | undefined;
  const names = await fakeUpstream(t, (question) => {
    const { type } = question.decoded.questions![0]!;
    const answer = dnsPacket.decode(answerTo(question, place ? {} : { rcode: 2 }));
    const answers = place && type === 'A' ? [{ name: 'dns.example.org', type, ttl: 1, data: place } as const] : [];
    question.reply(dnsPacket.encode({ ...answer, type: 'response', answers }));
  });
  const { start, lines, ask, clock } = forwarding(t, [], {
    to: [`dns.example.org:${first.port}`],
    resolvers: [socketAddressText(names)],
    resolveIntervalMs: 5000,
  });
  await start();
  await assert.rejects(ask(), /no upstream resolver is known/);
  const lookedUp = async (times: number) => {
    await clock.advance(5000);
    await until(() => names.questions.length >= 2 * times && clock.pendingTimers === 1);
  };
  place = '127.0.0.1';
  const before = names.questions.length / 2;
  await lookedUp(before + 1);
  assert.deepEqual(await lines(), wanted);
  place = '127.0.0.2';
  await lookedUp(before + 2);
  assert.deepEqual(await lines(), wanted);
  place = undefined;
  await lookedUp(before + 3);
  assert.deepEqual(await lines(), wanted, 'where it was last');
  assert.deepEqual([first.questions.length, second.questions.length], [1, 2]);
});
