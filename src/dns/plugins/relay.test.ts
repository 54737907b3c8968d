import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { encodeName, parseQuery, readUpstreamAnswer, type UpstreamAnswer } from '../../wire/dns/mod.ts';
import { codeOnly, innerQuestion, rcodeOf } from '../chain/mod.ts';
import type { Question } from '../chain/port.ts';
import { ForwardError } from '../forward/mod.ts';
import { encodeQuestion } from '../testing/stub-client.ts';
import { answersForNext, createRelayPlugin, type RelayOptions } from './relay.ts';

function question(name: string, kind: 'udp' | 'tcp' = 'udp'): Question {
  const packet = encodeQuestion({ name, type: 'A' });
  return {
    packet,
    query: parseQuery(packet)!,
    transport: { kind, maxUdpBytes: 1232 },
    client: { address: '127.0.0.1', port: 4000 },
  };
}

function answer(rcode: number, addresses: readonly string[] = []): UpstreamAnswer {
  const questions = [{ name: 'x.example', type: 'A' as const, class: 'IN' as const }];
  const answers = addresses.map((data) => ({ name: 'x.example', type: 'A' as const, ttl: 60, data }));
  return readUpstreamAnswer(dnsPacket.encode({ type: 'response', id: 1, flags: rcode, questions, answers }));
}

const nextCode = 16;
const next = () => codeOnly(nextCode);
const relay = (options: RelayOptions) => createRelayPlugin(options)(next);
const says = (upstream: UpstreamAnswer) => ({ ask: async () => upstream });

test('names of the zone are forwarded, but for the excepted ones', async () => {
  const { ask } = says(answer(0, ['192.0.2.1']));
  const handler = relay({ forwarder: { ask }, from: 'example', except: ['a.example', 'example'] });
  const table: [string, boolean][] = [
    // As CoreDNS has it, what the zone is called is forwarded whatever `except` says.
    ['example', true],
    ['a.example', false],
    ['b.a.example', false],
    ['example.org', false],
  ];
  for (const [name, isForwarded] of table) {
    assert.equal(rcodeOf(await handler(question(name))), isForwarded ? 0 : nextCode, name);
  }
});

test('some answers send the question on', async () => {
  const [found, noData, gone, failed] = [answer(0, ['192.0.2.1']), answer(0), answer(3), answer(2)];
  const table: [readonly number[], boolean, UpstreamAnswer[]][] = [
    [[], false, []],
    [[3], false, [gone]],
    [[2, 3], false, [gone, failed]],
    [[], true, [noData]],
    [[0], false, [found, noData]],
  ];
  for (const [codes, onNoData, wanted] of table) {
    for (const upstream of [found, noData, gone, failed]) {
      const handler = relay({ forwarder: says(upstream), isForNext: answersForNext(codes, onNoData) });
      const isForNext = rcodeOf(await handler(question('x.example'))) === nextCode;
      assert.equal(isForNext, wanted.includes(upstream), JSON.stringify([codes, onNoData, upstream.rcode]));
    }
  }
});

test('a failure of our own is SERVFAIL, one question too many REFUSED, and none is for the next', async () => {
  const failing = (code: 'unanswered' | 'overloaded') => ({ ask: () => Promise.reject(new ForwardError(code, 'x')) });
  const isForNext = answersForNext([2, 5], true);
  assert.equal(rcodeOf(await relay({ forwarder: failing('unanswered'), isForNext })(question('x.example'))), 2);
  assert.equal(rcodeOf(await relay({ forwarder: failing('overloaded'), isForNext })(question('x.example'))), 5);
});

test('resolvers are asked the way the client came; questions of our own like datagrams', async () => {
  const ways: boolean[] = [];
  const forwarder = {
    ask: async (_: unknown, overTcp?: boolean) => {
      ways.push(overTcp ?? false);
      return answer(0);
    },
  };
  const handler = relay({ forwarder });
  const outer = question('x.example', 'tcp');
  for (const each of [question('x.example'), outer, innerQuestion(outer, encodeName('y.example'), 1)]) {
    await handler(each);
  }
  assert.deepEqual(ways, [false, true, false]);
});
