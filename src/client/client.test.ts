import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiRequest, ApiResponse } from '../base/exchange.ts';
import { Deployment, Node, Pod } from '../kube/mod.ts';
import { createClient } from './client.ts';
import { ApiError, isConflict, isExpired, isNotFound, isUnavailable, isUnreachable } from './errors.ts';

const answer = (status: number, body: unknown): ApiResponse => ({ status, headers: {}, body: JSON.stringify(body) });

/** A client whose requests are recorded and answered one after the other. */
function scripted(...answers: (ApiResponse | Error)[]) {
  const requests: ApiRequest[] = [];
  const client = createClient({
    userAgent: 'test',
    exchange: async (request) => {
      requests.push(request);
      const next = answers.shift();
      if (!next) throw new Error('Nothing more in the script');
      if (next instanceof Error) throw next;
      return next;
    },
  });
  return { client, requests, lines: () => requests.map(({ method, url }) => `${method} ${url}`) };
}

test('requests go where the API has the resource', async () => {
  const pod = { metadata: { name: 'a', namespace: 'n' } };
  const ok = () => answer(200, pod);
  const { client, lines, requests } = scripted(ok(), ok(), ok(), ok(), ok(), ok(), ok(), ok());
  await client.get(Pod, 'a', { namespace: 'n' });
  await client.create(Pod, { ...pod, spec: { containers: [] } });
  await client.update(Pod, { ...pod } as Pod);
  await client.updateStatus(Pod, { ...pod } as Pod);
  await client.patch(Deployment, 'd', { type: 'strategic', body: {} }, { namespace: 'n', subresource: 'scale' });
  await client.delete(Node, 'node1', { gracePeriodSeconds: 0 });
  await client.bind('n', 'a', 'node1', 'u1');
  assert.deepEqual(lines(), [
    'GET /api/v1/namespaces/n/pods/a',
    'POST /api/v1/namespaces/n/pods',
    'PUT /api/v1/namespaces/n/pods/a',
    'PUT /api/v1/namespaces/n/pods/a/status',
    'PATCH /apis/apps/v1/namespaces/n/deployments/d/scale',
    'DELETE /api/v1/nodes/node1',
    'POST /api/v1/namespaces/n/pods/a/binding',
  ]);
  assert.deepEqual(JSON.parse(requests[1]!.body!).kind, 'Pod');
  assert.equal(requests[4]!.headers['content-type'], 'application/strategic-merge-patch+json');
  assert.deepEqual(JSON.parse(requests[5]!.body!), { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 });
  assert.deepEqual(JSON.parse(requests[6]!.body!).target, { apiVersion: 'v1', kind: 'Node', name: 'node1' });
});

test('a list follows its pages and gives items the type that the list leaves out', async () => {
  const { client, lines } = scripted(
    answer(200, { metadata: { resourceVersion: '7', continue: 'x/y' }, items: [{ metadata: { name: 'a' } }] }),
    answer(200, { metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'b' } }] }),
  );
  const found = await client.list(Pod, { labelSelector: 'a in (b,c)' });
  assert.deepEqual(found, {
    resourceVersion: '7',
    items: [
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' } },
    ],
  });
  assert.deepEqual(lines(), [
    'GET /api/v1/pods?labelSelector=a%20in%20(b%2Cc)&limit=500',
    'GET /api/v1/pods?labelSelector=a%20in%20(b%2Cc)&limit=500&continue=x%2Fy',
  ]);
});

test('a page whose token has expired is answered by one whole list', async () => {
  const { client, lines } = scripted(
    answer(200, { metadata: { resourceVersion: '7', continue: 'x' }, items: [{ metadata: { name: 'a' } }] }),
    answer(410, { kind: 'Status', reason: 'Expired', code: 410 }),
    answer(200, { metadata: { resourceVersion: '9' }, items: [] }),
  );
  assert.deepEqual(await client.list(Pod), { items: [], resourceVersion: '9' });
  assert.equal(lines()[2], 'GET /api/v1/pods');
});

test('failures are ApiErrors that predicates tell apart', async () => {
  const cases: [ApiResponse | Error, (error: unknown) => boolean, string][] = [
    [
      answer(404, { kind: 'Status', reason: 'NotFound', code: 404, message: 'pods "a" not found' }),
      isNotFound,
      'Get pods n/a: pods "a" not found',
    ],
    [answer(409, { kind: 'Status', reason: 'Conflict', message: 'stale' }), isConflict, 'Get pods n/a: stale'],
    [{ status: 503, headers: {}, body: 'upstream gone\n' }, isUnavailable, 'Get pods n/a: upstream gone'],
    [new Error('connect ECONNREFUSED'), isUnreachable, 'Get pods n/a: connect ECONNREFUSED'],
    [
      { status: 200, headers: {}, body: '{"kind":' },
      isUnreachable,
      'Get pods n/a: The answer is not JSON (8 characters)',
    ],
  ];
  for (const [response, predicate, message] of cases) {
    const { client } = scripted(response);
    await assert.rejects(client.get(Pod, 'a', { namespace: 'n' }), (error) => {
      assert(error instanceof ApiError && predicate(error), `${error}`);
      assert.equal(error.message, message);
      return true;
    });
  }
});

async function* stream(...pieces: string[]) {
  yield* pieces;
}

test('watch events come whole however the stream is cut', async () => {
  const pod = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
  const text = [
    { type: 'ADDED', object: pod('ä', '1') },
    { type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: '5' } } },
    { type: 'DELETED', object: pod('ä', '6') },
  ]
    .map((event) => `${JSON.stringify(event)}\n`)
    .join('');
  for (const pieces of [[text], [...text], text.split(/(?<=\n)/), [text.slice(0, 40), text.slice(40)]]) {
    const { client, lines } = scripted({ status: 200, headers: {}, body: stream(...pieces) });
    const events = await Array.fromAsync(client.watch(Pod, { resourceVersion: '0', namespace: 'n' }));
    assert.deepEqual(
      events.map((event) => (event.type === 'BOOKMARK' ? event : [event.type, event.object.metadata.name])),
      [['ADDED', 'ä'], { type: 'BOOKMARK', resourceVersion: '5' }, ['DELETED', 'ä']],
    );
    assert.deepEqual(lines(), ['GET /api/v1/namespaces/n/pods?watch=1&allowWatchBookmarks=true&resourceVersion=0']);
  }
});

test('a watch ends with an error for an ERROR event, a cut line and a broken stream', async () => {
  const expired = JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
  async function* broken() {
    yield '\n';
    throw new Error('reset');
  }
  const cases: [AsyncIterable<string>, (error: unknown) => boolean][] = [
    [stream(`${expired}\n`), isExpired],
    [stream('{"type":"ADD'), isUnreachable],
    [stream('{"type":\n'), isUnreachable],
    [stream('{"type":"NEW","object":{}}\n'), isUnreachable],
    [broken(), isUnreachable],
  ];
  for (const [body, predicate] of cases) {
    const { client } = scripted({ status: 200, headers: {}, body });
    await assert.rejects(Array.fromAsync(client.watch(Pod, { resourceVersion: '1' })), predicate);
  }
});

test('a list is taken page by page while the next page is on its way, and begins again when its token has expired', async () => {
  const page = (names: readonly string[], next?: string) =>
    answer(200, {
      metadata: { resourceVersion: '7', continue: next },
      items: names.map((name) => ({ metadata: { name } })),
    });
  const expired = answer(410, { kind: 'Status', reason: 'Expired', code: 410 });
  const { client, lines } = scripted(page(['a', 'b'], 'x'), page(['c'], 'y'), expired, page(['a', 'd']));
  const taken: (readonly [asked: number, isFirst: boolean, names: readonly string[]])[] = [];
  const list = await client.list(Pod, {
    onPage: (items, isFirst) => taken.push([lines().length, isFirst, items.map(({ metadata }) => metadata.name)]),
  });
  assert.deepEqual(list, { items: [], resourceVersion: '7' });
  assert.deepEqual(taken, [
    [2, true, ['a', 'b']],
    [3, false, ['c']],
    [4, true, ['a', 'd']],
  ]);
});
