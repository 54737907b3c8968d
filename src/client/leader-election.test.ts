import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { startTestServer, type TestServer } from '../apiserver/test-server.ts';
import { silentLogger } from '../base/log.ts';
import { Lease } from '../kube/mod.ts';
import { createClient } from './client.ts';
import { type Election, fenced, startElection } from './leader-election.ts';

type Line = 'up' | 'refusing' | 'silent';

/** A candidate whose line to the server can be cut, and which notes what it leads. */
class Member {
  line: Line = 'up';
  /** Set while it works, until it has been told that its term is over. */
  term: AbortSignal | undefined;
  terms = 0;
  readonly election: Election;

  constructor({ server, clock }: TestServer, identity: string) {
    const client = createClient({
      userAgent: identity,
      exchange: (request) => {
        if (this.line === 'refusing') return Promise.reject(new Error('refused'));
        return this.line === 'silent' ? new Promise(() => {}) : server.exchange(request);
      },
    });
    const options = { client, clock, log: silentLogger, random: () => 0, namespace: 'kube-system', name: 'work' };
    this.election = startElection({
      ...options,
      identity,
      lead: (over) => {
        this.term = over;
        this.terms++;
        return async () => {
          if (this.term === over) this.term = undefined;
        };
      },
    });
  }

  get mayWrite(): boolean {
    return this.term !== undefined && !this.term.aborted;
  }
}

async function setUp(t: TestContext, count: number) {
  const server = await startTestServer(t);
  const members = Array.from({ length: count }, (_, index) => new Member(server, `m${index}`));
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      await server.clock.advance(Math.min(250, left));
      assert(members.filter(({ mayWrite }) => mayWrite).length <= 1, 'two lead at one time');
    }
  };
  const leader = () => members.find(({ election }) => election.isLeading);
  const stop = async () => {
    let isDone = false;
    void Promise.all(members.map(({ election }) => election.stop())).then(() => {
      isDone = true;
    });
    while (!isDone) await server.clock.advance(1000);
  };
  t.after(stop);
  const client = createClient({ exchange: server.server.exchange, userAgent: 'test' });
  const lease = () => client.get(Lease, 'work', { namespace: 'kube-system' });
  return { server, members, pass, leader, lease, stop };
}

test('one of three leads; when it leaves, the next one need not wait for the Lease to expire', async (t) => {
  const { members, pass, leader, lease } = await setUp(t, 3);
  await pass(3000);
  const first = leader()!;
  assert.equal(members.filter(({ election }) => election.isLeading).length, 1);
  const { spec } = await lease();
  assert.equal(spec.holderIdentity, `m${members.indexOf(first)}`);
  assert.equal(spec.leaseDurationSeconds, 15);
  const stopped = first.election.stop();
  await pass(3000);
  await stopped;
  assert.equal(first.mayWrite, false);
  const second = leader()!;
  assert.notEqual(second, first);
  assert.equal((await lease()).spec.leaseTransitions, 1);
});

for (const line of ['refusing', 'silent'] as const) {
  test(`a leader whose server is ${line} stops by itself before another begins`, async (t) => {
    const { members, pass, leader } = await setUp(t, 2);
    await pass(3000);
    const first = leader()!;
    const other = members.find((member) => member !== first)!;
    first.line = line;
    await pass(8000);
    assert(first.mayWrite, 'a short disturbance costs no term');
    await pass(4000);
    assert.equal(first.mayWrite, false);
    assert.equal(other.mayWrite, false, 'the Lease has not expired yet');
    await pass(6000);
    assert(other.mayWrite);
    first.line = 'up';
    await pass(20_000);
    assert(other.mayWrite);
    assert.equal(first.terms, 1);
  });
}

test('clocks that jump decide nothing', async (t) => {
  const { server, pass, leader } = await setUp(t, 3);
  await pass(3000);
  const first = leader()!;
  for (const jumpMs of [86_400_000, -400 * 86_400_000, 3_600_000]) {
    server.clock.jump(jumpMs);
    await pass(30_000);
    assert.equal(leader(), first);
    assert.equal(first.terms, 1);
  }
});

test('somebody who edits the Lease does not end the term, somebody who takes it does', async (t) => {
  const { server, pass, leader, lease } = await setUp(t, 1);
  await pass(3000);
  const url = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/work';
  await server.ok(
    'PATCH',
    url,
    { metadata: { labels: { a: 'b' } } },
    { 'content-type': 'application/merge-patch+json' },
  );
  await pass(5000);
  assert(leader()?.mayWrite);
  await server.ok('PUT', url, { ...(await lease()), spec: { ...(await lease()).spec, holderIdentity: 'other' } });
  await pass(3000);
  assert.equal(leader(), undefined);
  await server.ok('DELETE', url);
  await pass(3000);
  assert(leader()?.mayWrite, 'a Lease that is gone is made anew');
});

test('whatever becomes of the lines: never two at one time, and one in the end', async (t) => {
  const step = fc.record({
    member: fc.nat(2),
    line: fc.constantFrom<Line>('up', 'refusing', 'silent'),
    ms: fc.integer({ min: 250, max: 9000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { members, pass, stop } = await setUp(t, 3);
      for (const { member, line, ms } of steps) {
        members[member]!.line = line;
        await pass(ms);
      }
      for (const member of members) member.line = 'up';
      // A request that got no answer is waited for no longer than the Lease lives.
      await pass(40_000);
      const isAnswered = members.filter(({ mayWrite }) => mayWrite).length;
      await stop();
      assert.equal(isAnswered, 1);
    }),
    { numRuns: 20 },
  );
});

test('behind the fence nothing leaves when the term is over', async (t) => {
  const server = await startTestServer(t);
  const over = new AbortController();
  const client = createClient({ exchange: fenced(server.server.exchange, over.signal), userAgent: 'test' });
  const spec = { holderIdentity: 'a' };
  await client.create(Lease, { metadata: { name: 'a', namespace: 'default' }, spec });
  over.abort();
  await assert.rejects(client.create(Lease, { metadata: { name: 'b', namespace: 'default' }, spec }), /leads no more/);
  await server.refused(404, 'GET', '/apis/coordination.k8s.io/v1/namespaces/default/leases/b');
});
