import type { KubeObject } from '../../kube/mod.ts';
import type { Entry } from '../../store/port.ts';

/**
 * One version of one object: decoded for selectors and strategies, and as the JSON text that readers get. Every reader
 * and every watcher shares it, so nobody changes it; whoever wants to change an object works on `draftOf`.
 */
export interface Version {
  readonly key: string;
  readonly revision: number;
  /** Without its managedFields: decoded they take more memory than all the rest, and only writers ask for them. */
  readonly object: Readonly<KubeObject>;
  /** metadata.managedFields as JSON; '' when there are none. */
  readonly managedJson: string;
  /** The whole object with its resourceVersion. */
  readonly json: string;
}

/**
 * What the store keeps. The resourceVersion is left out, since a commit's revision is known only after it; `metadata` comes
 * third, where `withResourceVersion` looks for it, and in it managedFields first, where `decodeEntry` cuts them out.
 */
export function encodeStored(object: KubeObject): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, managedFields, ...others } = metadata;
  const stored = managedFields ? { managedFields, ...others } : others;
  return JSON.stringify({ apiVersion, kind, metadata: stored, ...rest });
}

/** Reads what the store keeps. */
export function decodeEntry({ key, value, modRevision }: Pick<Entry, 'key' | 'value' | 'modRevision'>): Version {
  const { object, managedJson } = decodeStored(value);
  object.metadata.resourceVersion = String(modRevision);
  return { key, revision: modRevision, object, managedJson, json: withResourceVersion(value, modRevision) };
}

/** What a dry run would have written; it has no revision. */
export const unwritten = (key: string, stored: string): Version => ({
  ...{ key, revision: 0, json: stored },
  ...decodeStored(stored),
});

const managedStart = '"managedFields":';

function decodeStored(value: string): { object: KubeObject; managedJson: string } {
  const start = metadataPosition(value);
  if (!value.startsWith(managedStart, start)) return { object: JSON.parse(value), managedJson: '' };
  const end = endOfValue(value, start + managedStart.length);
  const rest = value[end] === ',' ? end + 1 : end;
  return {
    object: JSON.parse(value.slice(0, start) + value.slice(rest)),
    managedJson: value.slice(start + managedStart.length, end),
  };
}

const [quote, backslash] = ['"', '\\'].map((character) => character.charCodeAt(0));
const [openings, closings] = ['[{', ']}'].map((characters) => new Set(Buffer.from(characters)));

/** Where the list or object that begins at `start` of valid JSON has ended. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let isInString = false;
  for (let position = start; ; position++) {
    const code = text.charCodeAt(position);
    if (isInString && code === backslash) position++;
    else if (code === quote) isInString = !isInString;
    else if (!isInString && openings!.has(code)) depth++;
    else if (!isInString && closings!.has(code) && --depth === 0) return position + 1;
  }
}

export const managedFieldsOf = ({ managedJson }: Version): KubeObject['metadata']['managedFields'] =>
  managedJson === '' ? undefined : JSON.parse(managedJson);

/** The whole metadata as JSON. */
export function metadataJson({ object, managedJson }: Version): string {
  const others = JSON.stringify(object.metadata);
  return managedJson === '' ? others : `{${managedStart}${managedJson},${others.slice(1)}`;
}

/** The same object at another revision: how a deletion shows the last state (its own revision, upstream's rule). */
export function atRevision(version: Version, revision: number): Version {
  const { json } = version;
  const object = { ...version.object, metadata: { ...version.object.metadata, resourceVersion: String(revision) } };
  const start = metadataPosition(json);
  const stored = json.slice(0, start) + json.slice(json.indexOf(',', start) + 1);
  return { ...version, revision, object, json: withResourceVersion(stored, revision) };
}

/** A copy to work on, whole. Reading the text is quicker than cloning what was read from it. */
export const draftOf = <S extends KubeObject>(version: Version): S => JSON.parse(version.json) as S;

const metadataStart = '"metadata":{';
const metadataPosition = (text: string) => text.indexOf(metadataStart) + metadataStart.length;

/** Splices the resourceVersion in: a tenth of the cost of encoding the object again. */
function withResourceVersion(stored: string, revision: number): string {
  const position = metadataPosition(stored);
  return `${stored.slice(0, position)}"resourceVersion":"${revision}",${stored.slice(position)}`;
}
