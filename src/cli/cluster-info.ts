import { type Client, isAlreadyExists } from '../client/mod.ts';
import { ConfigMap } from '../kube/mod.ts';

/** Where upstream's kubeadm looks first, too: readable by everybody, signed with each token that is for joining. */
export const clusterInfoPlace = { name: 'cluster-info', namespace: 'kube-public' };

/** Publishes what a machine needs before it can join: where the API server is, and the authority's certificate. */
export async function publishClusterInfo(client: Client, server: string, caPem: string): Promise<void> {
  const ca = Buffer.from(caPem).toString('base64');
  const kubeconfig = kubeconfigWithoutUser(server, ca);
  try {
    await client.create(ConfigMap, { metadata: clusterInfoPlace, data: { kubeconfig } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const known = await client.get(ConfigMap, clusterInfoPlace.name, clusterInfoPlace);
    // Several servers of a cluster are all as good.
    if (known.data?.kubeconfig?.includes(ca)) return;
    await client.update(ConfigMap, { ...known, data: { ...known.data, kubeconfig } });
  }
}

const kubeconfigWithoutUser = (server: string, ca: string) => `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${ca}
    server: ${server}
  name: ""
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
`;
