import { UsageError } from '../base/errors.ts';
import { type Client, isAlreadyExists } from '../client/mod.ts';
import { ConfigMap } from '../kube/mod.ts';

/** Where upstream's API servers publish the authority of client certificates. */
const place = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
const field = 'client-ca-file';

/**
 * Publishes the authority that this server trusts. Servers of one cluster must trust the same one, else the certificates
 * of nodes and people are good at some of them only: throws UsageError where another server of it has another.
 */
export async function ensureOneAuthority(client: Client, caPem: string, hasPeers: boolean): Promise<void> {
  const published = await publish(client, caPem);
  const known = published.data?.[field] ?? '';
  if (known.includes(caPem.trim())) return;
  if (hasPeers && known !== '')
    throw new UsageError(
      'Join the cluster in etcd',
      'its servers have another certificate authority than DATA-DIR/pki/ca.crt here',
      `Copy pki/ca.crt, pki/ca.key and pki/sa.key of one of them; if theirs is to be replaced: kubectl -n ${place.namespace} delete configmap ${place.name}`,
    );
  await client.update(ConfigMap, { ...published, data: { ...published.data, [field]: caPem } });
}

async function publish(client: Client, caPem: string): Promise<ConfigMap> {
  try {
    return await client.create(ConfigMap, { metadata: place, data: { [field]: caPem } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return await client.get(ConfigMap, place.name, place);
  }
}
