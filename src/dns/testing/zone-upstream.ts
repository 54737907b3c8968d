import type { TestContext } from 'node:test';
import dnsPacket, { type Answer } from 'dns-packet';
import { type FakeUpstream, fakeUpstream } from './fake-upstream.ts';

/** A resolver that knows these records and what their aliases lead to; a name that has none does not exist. */
export function zoneUpstream(
  t: TestContext,
  zone: readonly Answer[],
  additionals: readonly Answer[] = [],
): Promise<FakeUpstream> {
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  const authorities: Answer[] = [
    {
      name: 'example',
      type: 'SOA',
      ttl: 300,
      data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
    },
  ];
  const find = (name: string, type: string): Answer[] => {
    const records = zone.filter((record) => same(record.name, name));
    const wanted = records.filter((record) => record.type === type);
    const [alias] = records.filter((record) => record.type === 'CNAME');
    if (wanted.length > 0 || !alias || alias.type !== 'CNAME') return wanted;
    return [alias, ...find(alias.data, type)];
  };
  return fakeUpstream(t, (question) => {
    const asked = question.decoded.questions![0]!;
    const answers = find(asked.name, asked.type);
    const exists = zone.some((record) => same(record.name, asked.name));
    question.reply(
      dnsPacket.encode({
        type: 'response',
        id: question.decoded.id!,
        flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | (exists ? 0 : 3),
        questions: [asked],
        answers,
        authorities: answers.length > 0 ? [] : authorities,
        additionals: answers.length > 0 ? [...additionals] : [],
      }),
    );
  });
}
