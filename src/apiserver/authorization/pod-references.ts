import type { Container, Pod } from '../../kube/mod.ts';

/** What an agent needs to run a Pod: `secrets/NAMESPACE/NAME` and its like, each once. */
export function referencesOf({ metadata, spec }: Pod): Set<string> {
  const found = new Set<string>();
  const add = (plural: string, name: string | undefined) => {
    if (name) found.add(referenceKey(plural, metadata.namespace!, name));
  };
  add('pods', metadata.name);
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) addEnvironment(container, add);
  for (const { secret, configMap, projected } of spec.volumes ?? []) {
    add('secrets', secret?.secretName);
    add('configmaps', configMap?.name);
    for (const source of projected?.sources ?? []) {
      add('secrets', source.secret?.name);
      add('configmaps', source.configMap?.name);
    }
  }
  return found;
}

export const referenceKey = (plural: string, namespace: string, name: string): string =>
  `${plural}/${namespace}/${name}`;

function addEnvironment({ env, envFrom }: Container, add: (plural: string, name: string | undefined) => void): void {
  for (const { valueFrom } of env ?? []) {
    add('secrets', valueFrom?.secretKeyRef?.name);
    add('configmaps', valueFrom?.configMapKeyRef?.name);
  }
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    add('secrets', secretRef?.name);
    add('configmaps', configMapRef?.name);
  }
}
