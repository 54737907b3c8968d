import type { KubeObject } from '../../kube/mod.ts';
import type { Entry } from '../../store/port.ts';

/**
 * One version of one object: decoded for selectors and strategies, and as the JSON text that readers get. Every reader
 * and every watcher shares it, so nobody changes it; whoever wants to change an object works on `draftOf`.
 */
export interface Version {
  readonly key: string;
  readonly revision: number;
  readonly object: Readonly<KubeObject>;
  /** The object with its resourceVersion. */
  readonly json: string;
}

/**
 * What the store keeps. The resourceVersion is left out, since a commit's revision is known only after it; and
 * `metadata` comes third, where `withResourceVersion` looks for it.
 */
export function encodeStored(object: KubeObject): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...stored } = metadata;
  return JSON.stringify({ apiVersion, kind, metadata: stored, ...rest });
}

/** Reads what the store keeps. */
export const decodeEntry = (entry: Pick<Entry, 'key' | 'value' | 'modRevision'>): Version => {
  const object = JSON.parse(entry.value) as KubeObject;
  object.metadata.resourceVersion = String(entry.modRevision);
  return {
    key: entry.key,
    revision: entry.modRevision,
    object,
    json: withResourceVersion(entry.value, entry.modRevision),
  };
};

/** What a dry run would have written; it has no revision. */
export const unwritten = (key: string, stored: string): Version => ({
  key,
  revision: 0,
  object: JSON.parse(stored) as KubeObject,
  json: stored,
});

/** The same object at another revision: how a deletion shows the last state (its own revision, upstream's rule). */
export function atRevision(version: Version, revision: number): Version {
  const object = { ...version.object, metadata: { ...version.object.metadata, resourceVersion: String(revision) } };
  return { key: version.key, revision, object, json: JSON.stringify(object) };
}

/** A copy to work on. */
export const draftOf = <S extends KubeObject>(version: Version): S => structuredClone(version.object) as S;

const metadataStart = '"metadata":{';

/** Splices the resourceVersion in: a tenth of the cost of encoding the object again. */
function withResourceVersion(stored: string, revision: number): string {
  const position = stored.indexOf(metadataStart) + metadataStart.length;
  return `${stored.slice(0, position)}"resourceVersion":"${revision}",${stored.slice(position)}`;
}
