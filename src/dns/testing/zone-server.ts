import type { TestContext } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { compose } from '../chain/mod.ts';
import type { Handler, Plugin } from '../chain/port.ts';
import { followCluster } from '../cluster-source.ts';
import { createKubernetesPlugin } from '../plugins/kubernetes/mod.ts';
import { Responder, TcpListener, type Transfers, UdpListener } from '../server/mod.ts';
import { ClusterZone, type ZoneOptions } from '../zone/mod.ts';
import { clusterYaml, fakeInformers, parseObjects } from './fixture.ts';

interface ZoneServerOptions {
  readonly zone?: Partial<ZoneOptions>;
  readonly fallthrough?: readonly string[];
  /** Who answers what the cluster does not. */
  readonly beyond: Handler;
  readonly yaml?: string;
  /** What stands before the zone. */
  readonly before?: (informers: ReturnType<typeof fakeInformers>) => readonly Plugin[];
  readonly isSynced?: () => boolean;
  readonly transfers?: (zone: ClusterZone) => Transfers;
}

const transports = {
  udp: { kind: 'udp', maxUdpBytes: 1232 },
  tcp: { kind: 'tcp', maxUdpBytes: 1232 },
} as const;

/** A zone with these options, in front of real sockets on one port. */
export async function zoneServer(t: TestContext, options: ZoneServerOptions) {
  const { yaml = clusterYaml, fallthrough, beyond } = options;
  const zone = new ClusterZone({
    clusterDomain: 'cluster.local',
    ttlSeconds: 5,
    podRecords: 'insecure',
    reverseCidrs: [],
    nameServerService: 'kube-system/kube-dns',
    nowSeconds: () => 1,
    ...options.zone,
  });
  const informers = fakeInformers(parseObjects(yaml));
  void followCluster(zone, informers);
  const kubernetes = createKubernetesPlugin({
    zone,
    isSynced: options.isSynced ?? (() => true),
    ttlSeconds: 5,
    ...(fallthrough && { fallthrough }),
  });
  const head = compose([...(options.before?.(informers) ?? []), kubernetes], beyond);
  const transfers = options.transfers?.(zone);
  const service = { head, ...(transfers && { transfers: () => transfers }) };
  const responder = new Responder({ route: () => service });
  const tcp = new TcpListener({
    at: { address: '127.0.0.1', port: 0 },
    clock: systemClock,
    respond: (packet, client) => responder.respondInStream(packet, transports.tcp, client),
  });
  const at = await tcp.listen();
  t.after(() => tcp.close());
  const udp = new UdpListener({
    at,
    log: silentLogger,
    respond: (packet, client) => responder.respond(packet, transports.udp, client),
  });
  await udp.listen();
  t.after(() => udp.close());
  return { at, zone, informers };
}
