import { randomUUID } from 'node:crypto';
import { formatTime, type KubeObject, type Resource } from '../../kube/mod.ts';

/** Upstream's alphabet for generated names: no vowels, nothing that looks like something else. */
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maxGeneratedBaseLength = 63 - suffixLength;

/** `web-` → `web-x7k2p`. */
export function generateName(base: string, random: () => number = Math.random): string {
  const letters = Array.from(
    { length: suffixLength },
    () => suffixLetters[Math.floor(random() * suffixLetters.length)],
  );
  return base.slice(0, maxGeneratedBaseLength) + letters.join('');
}

/** What the server alone says about a new object. */
export function stampNew(object: KubeObject, resource: Resource, namespace: string | undefined, nowMs: number): void {
  const {
    uid: _uid,
    selfLink: _link,
    managedFields: _fields,
    resourceVersion: _version,
    deletionTimestamp: _deletion,
    deletionGracePeriodSeconds: _grace,
    generation: _generation,
    ...given
  } = object.metadata;
  object.metadata = {
    ...given,
    ...(resource.namespaced && namespace !== undefined && { namespace }),
    uid: randomUUID(),
    creationTimestamp: formatTime(nowMs),
  } as KubeObject['metadata'];
}

/** Nobody changes these by writing an object; whatever the writer sent, the old values stay. */
const serverOwned = [
  'name',
  'namespace',
  'generateName',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
] as const;

export function keepServerOwned(object: KubeObject, before: KubeObject): void {
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata.selfLink;
  delete metadata.managedFields;
  for (const name of serverOwned) {
    if (before.metadata[name] === undefined) delete metadata[name];
    else metadata[name] = before.metadata[name];
  }
  object.metadata = metadata as unknown as KubeObject['metadata'];
}

export function raiseGeneration(object: KubeObject): void {
  if (object.metadata.generation) object.metadata.generation++;
}
