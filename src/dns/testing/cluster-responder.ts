import { compose, nobodyAnswers } from '../chain/mod.ts';
import { followCluster } from '../cluster-source.ts';
import { ForwardError } from '../forward/mod.ts';
import { createAnyPlugin } from '../plugins/any.ts';
import { createKubernetesPlugin } from '../plugins/kubernetes/mod.ts';
import { createRelayPlugin } from '../plugins/relay.ts';
import { Responder } from '../server/mod.ts';
import { ClusterZone } from '../zone/mod.ts';
import { clusterYaml, fakeInformers, parseObjects } from './fixture.ts';

/** Whom the answers go to when a test asks without a socket. */
export const someClient = { address: '127.0.0.1', port: 40_000 };

/** The fixture's cluster, or `yaml`'s, in front of a forwarder that knows no resolver. */
export function clusterResponder(options: { isSynced?: boolean; yaml?: string } = {}): Responder {
  const zone = new ClusterZone({
    clusterDomain: 'cluster.local',
    ttlSeconds: 5,
    podRecords: 'insecure',
    reverseCidrs: ['10.96.0.0/16'],
    nameServerService: 'kube-system/kube-dns',
    nowSeconds: () => 1,
  });
  void followCluster(zone, fakeInformers(parseObjects(options.yaml ?? clusterYaml)));
  const forwarder = {
    ask: async () => {
      throw new ForwardError('no-upstream', 'no upstream resolver is known');
    },
  };
  const plugins = [
    createKubernetesPlugin({ zone, isSynced: () => options.isSynced ?? true, ttlSeconds: 5 }),
    createAnyPlugin(5),
    createRelayPlugin({ forwarder }),
  ];
  return new Responder(compose(plugins, nobodyAnswers));
}
