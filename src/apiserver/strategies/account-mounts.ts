import { randomInt } from 'node:crypto';
import { forbidden, Pod, type PodSpec, type ServiceAccount } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';

/** Where client libraries look for the token. */
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** Upstream's number, by which it knows tokens that nobody has asked for by hand. */
const tokenSeconds = 3_607;

export type FindAccount = (namespace: string, name: string) => ServiceAccount | undefined;

/**
 * Upstream's ServiceAccount admission: the Pod's account must be there, its pull secrets become the Pod's, and each container
 * gets a token, the authority's certificate and the namespace in files, unless Pod or account say no.
 */
export function mountAccount(pod: Pod, find: FindAccount): void {
  const { spec, metadata } = pod;
  const { namespace = '' } = metadata;
  const name = spec.serviceAccountName ?? 'default';
  const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
  const account = find(namespace, name) ?? refuse(forbidden(Pod, metadata.name, why));
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets)
    spec.imagePullSecrets = account.imagePullSecrets.flatMap(({ name: secret }) => (secret ? [{ name: secret }] : []));
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec);
}

function mountToken(spec: PodSpec): void {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const without = containers.filter(
    ({ volumeMounts = [] }) => !volumeMounts.some((mount) => mount.mountPath === mountPath),
  );
  if (without.length === 0) return;
  const known = spec.volumes?.find((volume) => volume.name.startsWith(volumePrefix));
  const name = known?.name ?? `${volumePrefix}${randomSuffix()}`;
  if (!known) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
  for (const container of without)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
}

const tokenVolume = (name: string): NonNullable<PodSpec['volumes']>[number] => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: tokenSeconds } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
});

/** apimachinery's alphabet for names: without vowels, so that no word comes of it. */
const letters = 'bcdfghjklmnpqrstvwxz2456789';
const randomSuffix = () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
