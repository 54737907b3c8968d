import type { ConfigMap, Pod, Secret } from '../../kube/mod.ts';
import { PodError } from '../errors.ts';

export type Volume = NonNullable<Pod['spec']['volumes']>[number];
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface VolumeSources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  /** A token of the Pod's account, bound to the Pod. */
  token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<IssuedToken>;
}

/** What stands in a volume. */
export interface VolumeFiles {
  /** By path below the volume. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly mode: number;
  /** When a token among them has to be another. */
  readonly renewAtMs?: number;
}

const defaultMode = 0o644;
/** Upstream's bound for the default token, with which it tells its own from others. */
const defaultSeconds = 3_600;
const dayMs = 86_400_000;

/** The volume's files as they are to be now; undefined: a volume of another kind. Throws PodError `config`. */
export async function filesOf(
  pod: Pod,
  volume: Volume,
  sources: VolumeSources,
  nowMs: number,
): Promise<VolumeFiles | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const parts: Projection[] | undefined = configMap
    ? [{ configMap }]
    : secret
      ? [{ secret: { ...secret, ...(secret.secretName !== undefined && { name: secret.secretName }) } }]
      : downwardAPI
        ? [{ downwardAPI }]
        : projected?.sources;
  if (!parts) return undefined;
  const files = new Map<string, Buffer>();
  const renewals: number[] = [];
  for (const part of parts) {
    const found = await filesOfPart(pod, volume.name, part, sources);
    for (const [path, content] of found.entries) files.set(checkedPath(volume.name, path), content);
    if (found.expiresAtMs !== undefined) renewals.push(renewalOf(nowMs, found.expiresAtMs));
  }
  const mode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? defaultMode;
  return { files, mode, ...(renewals.length > 0 && { renewAtMs: Math.min(...renewals) }) };
}

/** After 80 % of its life, or a day (kubelet's token manager). */
const renewalOf = (nowMs: number, expiresAtMs: number) => nowMs + Math.min(0.8 * (expiresAtMs - nowMs), dayMs);

interface Part {
  readonly entries: Iterable<[string, Buffer]>;
  readonly expiresAtMs?: number;
}

async function filesOfPart(pod: Pod, name: string, part: Projection, sources: VolumeSources): Promise<Part> {
  const namespace = pod.metadata.namespace ?? '';
  if (part.serviceAccountToken) {
    const { path, audience, expirationSeconds = defaultSeconds } = part.serviceAccountToken;
    const { token, expiresAtMs } = await sources.token(pod, audience, expirationSeconds);
    return { entries: [[path, Buffer.from(token)]], expiresAtMs };
  }
  if (part.configMap) {
    const { name: source = '' } = part.configMap;
    const found = await sources.configMap(namespace, source);
    return { entries: chosen(name, `configmap "${source}"`, part.configMap, found && dataOf(found)) };
  }
  if (part.secret) {
    const { name: source = '' } = part.secret;
    const found = await sources.secret(namespace, source);
    return { entries: chosen(name, `secret "${source}"`, part.secret, found && decoded(found.data)) };
  }
  if (part.downwardAPI) return { entries: downward(pod, name, part.downwardAPI.items ?? []) };
  throw unsupported(name, Object.keys(part)[0] ?? 'nothing');
}

type Contents = Record<string, Buffer>;

const dataOf = ({ data = {}, binaryData }: ConfigMap): Contents => ({
  ...Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)])),
  ...decoded(binaryData),
});

const decoded = (data: Record<string, string> = {}): Contents =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));

/** All keys, or those that `items` name, at their paths. */
function chosen(
  volume: string,
  source: string,
  { items, optional }: NonNullable<Projection['configMap']>,
  contents: Contents | undefined,
): [string, Buffer][] {
  if (!contents) {
    if (optional) return [];
    throw new PodError(`Fill volume ${volume}`, 'config', `${source} not found`);
  }
  if (!items?.length) return Object.entries(contents);
  return items.flatMap(({ key, path }): [string, Buffer][] => {
    const content = Object.hasOwn(contents, key) ? contents[key] : undefined;
    if (content) return [[path, content]];
    if (optional) return [];
    throw new PodError(`Fill volume ${volume}`, 'config', `${source} has no key ${key}`);
  });
}

type DownwardItems = NonNullable<NonNullable<Projection['downwardAPI']>['items']>;

function downward(pod: Pod, volume: string, items: DownwardItems): [string, Buffer][] {
  return items.map(({ path, fieldRef }) => {
    const value = fieldRef && fieldOf(pod, fieldRef.fieldPath);
    if (value === undefined) throw unsupported(volume, `downwardAPI ${fieldRef?.fieldPath ?? 'resourceFieldRef'}`);
    return [path, Buffer.from(value)];
  });
}

function fieldOf({ metadata, spec }: Pod, fieldPath: string): string | undefined {
  const lines = (all: Record<string, string> = {}) =>
    Object.entries(all)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
      .sort()
      .join('');
  const fields: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'metadata.labels': lines(metadata.labels),
    'metadata.annotations': lines(metadata.annotations),
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
  };
  return Object.hasOwn(fields, fieldPath) ? fields[fieldPath] : undefined;
}

/** Nothing is written outside the volume. */
function checkedPath(volume: string, path: string): string {
  const parts = path.split('/');
  if (path !== '' && !parts.includes('..') && parts[0] !== '' && !parts[0]!.startsWith('..')) return path;
  throw new PodError(`Fill volume ${volume}`, 'config', `path ${JSON.stringify(path)} leads out of it`);
}

export const unsupported = (volume: string, what: string) =>
  new PodError(`Fill volume ${volume}`, 'config', `the process runtime has no volumes of this kind: ${what}`);
