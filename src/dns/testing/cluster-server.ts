import type { TestContext } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { type DnsOptions, startDns } from '../start-dns.ts';
import { answerTo, fakeUpstream, type UpstreamQuestion } from './fake-upstream.ts';
import { clusterYaml, fakeInformers, parseObjects } from './fixture.ts';

interface ClusterServerOptions extends Partial<DnsOptions> {
  readonly yaml?: string;
  /** How the resolver behind it behaves; default: it knows 192.0.2.53 for every name. */
  readonly upstream?: (question: UpstreamQuestion) => void;
}

/** The fixture's cluster, or `yaml`'s, behind real sockets on one port, and a resolver behind that. */
export async function clusterServer(t: TestContext, options: ClusterServerOptions = {}) {
  const { yaml = clusterYaml, upstream: behave = always, ...rest } = options;
  const upstream = await fakeUpstream(t, behave);
  const informers = fakeInformers(parseObjects(yaml));
  const server = await startDns({
    informers,
    clock: systemClock,
    log: silentLogger,
    options: {
      listen: [{ address: '127.0.0.1', port: 0 }],
      upstreams: [`127.0.0.1:${upstream.port}`],
      reverseCidrs: ['10.96.0.0/16', '10.244.0.0/16'],
      ...rest,
    },
  });
  t.after(() => server.stop());
  informers.finishSync();
  await server.synced;
  return { server, informers, at: server.addresses[0]! };
}

const always = (question: UpstreamQuestion): void => question.reply(answerTo(question, { addresses: ['192.0.2.53'] }));
