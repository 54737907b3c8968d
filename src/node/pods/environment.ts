import { type ConfigMap, type Container, divideQuantity, type Pod, type Secret } from '../../kube/mod.ts';
import { PodError } from '../errors.ts';
import { defaultPath } from '../runtime/process/executable.ts';
import { expand } from './expand.ts';

/** Reads the objects that `env` refers to; undefined when there is none of that name. */
export interface EnvironmentSources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** What the node adds to a Pod's own fields. */
export interface PodPlace {
  readonly nodeName: string;
  readonly nodeAddress: string;
  readonly podAddress: string;
  readonly hostname: string;
  /** Whole cores and bytes, for `resourceFieldRef` without a limit. */
  readonly capacity: { readonly cpu: number; readonly memoryBytes: number };
}

type Variables = Record<string, string>;
type EnvVar = NonNullable<Container['env']>[number];
type KeySelector = NonNullable<NonNullable<EnvVar['valueFrom']>['configMapKeyRef']>;

/**
 * The container's environment: what every program may expect, then `envFrom`, then `env`, each seeing the ones before.
 * Throws PodError `config` that names the variable.
 */
export async function environmentOf(
  pod: Pod,
  container: Container,
  place: PodPlace,
  sources: EnvironmentSources,
): Promise<Variables> {
  const variables: Variables = { PATH: defaultPath, HOME: '/root', HOSTNAME: place.hostname };
  const namespace = pod.metadata.namespace ?? '';
  for (const entry of container.envFrom ?? []) {
    Object.assign(variables, await fromWhole(namespace, entry, sources));
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await fromSource(pod, container, variable, place, sources)
      : expand(variable.value ?? '', variables);
    if (value !== undefined) variables[variable.name] = value;
  }
  return variables;
}

async function fromWhole(
  namespace: string,
  { prefix = '', configMapRef, secretRef }: NonNullable<Container['envFrom']>[number],
  sources: EnvironmentSources,
): Promise<Variables> {
  const reference = configMapRef ?? secretRef;
  const name = reference?.name ?? '';
  const data = configMapRef
    ? (await sources.configMap(namespace, name))?.data
    : decodeSecret(await sources.secret(namespace, name));
  if (!data && !reference?.optional) missing('envFrom', configMapRef ? 'configmap' : 'secret', name);
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [prefix + key, value]));
}

async function fromSource(
  pod: Pod,
  container: Container,
  { name, valueFrom }: EnvVar,
  place: PodPlace,
  sources: EnvironmentSources,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace ?? '';
  if (valueFrom?.fieldRef) return fieldValue(pod, name, valueFrom.fieldRef.fieldPath, place);
  if (valueFrom?.resourceFieldRef) return resourceValue(pod, container, name, valueFrom.resourceFieldRef, place);
  if (valueFrom?.configMapKeyRef) {
    const selector = valueFrom.configMapKeyRef;
    return keyValue(name, 'configmap', selector, (await sources.configMap(namespace, selector.name ?? ''))?.data);
  }
  if (valueFrom?.secretKeyRef) {
    const selector = valueFrom.secretKeyRef;
    return keyValue(name, 'secret', selector, decodeSecret(await sources.secret(namespace, selector.name ?? '')));
  }
  throw new PodError(`Set variable ${name}`, 'config', 'its valueFrom names no source');
}

function keyValue(
  variable: string,
  kind: string,
  { name, key, optional }: KeySelector,
  data: Variables | undefined,
): string | undefined {
  const value = data && Object.hasOwn(data, key) ? data[key] : undefined;
  if (value !== undefined || optional) return value;
  if (!data) return missing(variable, kind, name ?? '');
  throw new PodError(
    `Set variable ${variable}`,
    'config',
    `couldn't find key ${key} in ${kind} ${JSON.stringify(name)}`,
  );
}

function missing(variable: string, kind: string, name: string): never {
  throw new PodError(`Set variable ${variable}`, 'config', `${kind} ${JSON.stringify(name)} not found`);
}

const decodeSecret = (secret: Secret | undefined): Variables | undefined =>
  secret &&
  Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );

/** The downward API's fields (pkg/fieldpath, and those of the status that kubelet resolves itself). */
function fieldValue(pod: Pod, variable: string, fieldPath: string, place: PodPlace): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (subscript) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  const fields: Variables = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': place.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? 'default',
    'status.hostIP': place.nodeAddress,
    'status.hostIPs': place.nodeAddress,
    'status.podIP': place.podAddress,
    'status.podIPs': place.podAddress,
  };
  const value = Object.hasOwn(fields, fieldPath) ? fields[fieldPath] : undefined;
  if (value !== undefined) return value;
  throw new PodError(`Set variable ${variable}`, 'config', `unsupported fieldPath ${JSON.stringify(fieldPath)}`);
}

/** `limits.cpu` and the like, in units of the divisor, rounded up; without a limit, what the node has. */
function resourceValue(
  pod: Pod,
  container: Container,
  variable: string,
  reference: NonNullable<NonNullable<EnvVar['valueFrom']>['resourceFieldRef']>,
  place: PodPlace,
): string {
  const [list, resource] = reference.resource.split('.') as ['limits' | 'requests', string];
  const name = reference.containerName || container.name;
  const owner = pod.spec.containers.find((other) => other.name === name);
  const { limits, requests } = owner?.resources ?? {};
  const given = list === 'requests' ? (requests?.[resource] ?? limits?.[resource]) : limits?.[resource];
  const otherwise = { cpu: place.capacity.cpu, memory: place.capacity.memoryBytes }[resource];
  const value = given ?? (list === 'requests' ? 0 : otherwise);
  if (owner && value !== undefined) return String(divideQuantity(value, reference.divisor ?? 0));
  throw new PodError(
    `Set variable ${variable}`,
    'config',
    `unsupported resource ${JSON.stringify(reference.resource)}`,
  );
}
