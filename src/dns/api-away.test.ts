import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import type { Client } from '../client/mod.ts';
import { Service } from '../kube/mod.ts';
import { corefileServer, testApi } from './testing/corefile-server.ts';
import { extendedErrorOf, zoneLines } from './testing/stub-client.ts';
import { until } from './testing/until.ts';

const corefile = `.:0 {
  bind 127.0.0.1
  ready 127.0.0.1:0
  prometheus 127.0.0.2:0
  kubernetes cluster.local
}
`;

test('while the API server is away the last known data is served, its age is a metric, and what comes back is caught up with', async (t) => {
  const { client, connect } = await testApi(t);
  const clock = new ManualClock();
  let isAway = false;
  const watches = new Set<() => void>();
  const cut = () => {
    isAway = true;
    for (const end of watches) end();
  };
  const { server, ask } = await corefileServer(t, corefile, {
    clock,
    connect: () => cuttable(connect(), () => isAway, watches),
  });
  const read = async (host: string, path: string) => {
    const port = await server.portOf({ host, port: 0 });
    return await (await fetch(`http://${host}:${port}${path}`)).text();
  };
  const silence = async () =>
    Number(/^signalbox_dns_cluster_silence_seconds (\S+)$/m.exec(await read('127.0.0.2', '/metrics'))?.[1]);
  assert.equal(await silence(), 0);

  cut();
  await client.create(Service, { metadata: { namespace: 'default', name: 'new' }, spec: { ports: [{ port: 1 }] } });
  await clock.advance(3_600_000);
  assert.ok(Math.abs((await silence()) - 3600) < 1, 'an hour');
  const known = await ask('kubernetes.default.svc.cluster.local');
  assert.deepEqual(zoneLines(known.answers), ['kubernetes.default.svc.cluster.local. 5 IN A 10.96.0.1']);
  const missing = await ask('new.default.svc.cluster.local');
  assert.match(`${missing.rcode} ${extendedErrorOf(missing)}`, /^NXDOMAIN 19 .*the API server has been away since /);
  // An old answer is better than none: clients must not be sent away from every server at once.
  assert.equal(await read('127.0.0.1', '/ready'), 'OK');

  isAway = false;
  let rcode = '';
  void (async () => {
    while (rcode !== 'NOERROR') {
      await clock.advance(1000);
      ({ rcode } = await ask('new.default.svc.cluster.local'));
    }
  })();
  await until(() => rcode === 'NOERROR');
});

/** A connection that can be lost: lists fail then, and watches end. */
function cuttable(client: Client, isAway: () => boolean, watches: Set<() => void>): Client {
  const lost = () => Object.assign(new Error('connection refused'), { code: 'Unreachable' });
  return new Proxy(client, {
    get: (target, name: keyof Client) => {
      if (name === 'list') {
        return async (...words: Parameters<Client['list']>) => {
          if (isAway()) throw lost();
          return target.list(...words);
        };
      }
      if (name === 'watch') {
        return async function* (...[resource, query]: Parameters<Client['watch']>) {
          if (isAway()) throw lost();
          const cutting = new AbortController();
          const end = () => cutting.abort();
          watches.add(end);
          const signal = query.signal ? AbortSignal.any([query.signal, cutting.signal]) : cutting.signal;
          yield* target.watch(resource, { ...query, signal });
          watches.delete(end);
          throw lost();
        };
      }
      return target[name].bind(target as never);
    },
  });
}
