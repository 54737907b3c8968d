import { apiVersionOf, type KubeObject, type Resource, type TableColumn, tableOf } from '../../kube/mod.ts';
import { type EventEncoding, eventLine, plainEncoding } from '../cache/change.ts';
import { metadataJson, type Version } from '../cache/version.ts';
import type { Form } from '../request/negotiate.ts';

/** How one kind's objects are written in one form. */
export interface FormEncoder {
  one(version: Version): string;
  /** @param metadata ListMeta, resourceVersion included */
  list(versions: readonly Version[], metadata: object): string;
  readonly event: EventEncoding;
  bookmark(revision: number, annotations?: Record<string, string>): string;
}

/** @param includeObject what a table's rows carry beside their cells (kubectl asks for Object when it sorts) */
export function formEncoder(resource: Resource, form: Form, includeObject: string, now: () => number): FormEncoder {
  switch (form) {
    case 'object':
      return objectEncoder(resource);
    case 'table':
      return tableEncoder(resource, includeObject, now);
    case 'partial':
    case 'partial-list':
      return partialEncoder();
  }
}

function objectEncoder(resource: Resource): FormEncoder {
  const type = { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List` };
  return {
    one: (version) => version.json,
    list: (versions, metadata) =>
      listText(
        type,
        metadata,
        'items',
        versions.map((version) => version.json),
      ),
    event: plainEncoding,
    bookmark: (revision, annotations) =>
      bookmarkLine({ apiVersion: apiVersionOf(resource), kind: resource.kind }, revision, annotations),
  };
}

const partialType = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };

function partialEncoder(): FormEncoder {
  const one = partialJson;
  return {
    one,
    list: (versions, metadata) =>
      listText({ ...partialType, kind: 'PartialObjectMetadataList' }, metadata, 'items', versions.map(one)),
    event: { name: 'partial', encode: one },
    bookmark: (revision, annotations) => bookmarkLine(partialType, revision, annotations),
  };
}

const tableType = { kind: 'Table', apiVersion: 'meta.k8s.io/v1' };

function tableEncoder(resource: Resource, includeObject: string, now: () => number): FormEncoder {
  const table = tableOf<KubeObject>(resource);
  const columnDefinitions: readonly TableColumn[] = table.columns;
  const row = (version: Version) => {
    const cells = JSON.stringify(table.row(version.object, now()));
    return `{"cells":${cells},"object":${rowObject(version, includeObject)}}`;
  };
  const list = (versions: readonly Version[], metadata: object) =>
    listText({ ...tableType, columnDefinitions }, metadata, 'rows', versions.map(row));
  const one = (version: Version) => list([version], { resourceVersion: String(version.revision) });
  return {
    one,
    list,
    event: { name: `table ${includeObject}`, encode: one },
    bookmark: (revision, annotations) => {
      const object = { ...partialType, metadata: bookmarkMetadata(revision, annotations) };
      const metadata = { resourceVersion: String(revision) };
      const rows = [{ cells: [], object }];
      return eventLine('BOOKMARK', JSON.stringify({ ...tableType, metadata, columnDefinitions: [], rows }));
    },
  };
}

function rowObject(version: Version, includeObject: string): string {
  if (includeObject === 'Object') return version.json;
  return includeObject === 'None' ? 'null' : partialJson(version);
}

const partialJson = (version: Version) =>
  `${JSON.stringify(partialType).slice(0, -1)},"metadata":${metadataJson(version)}}`;

/** The objects' texts are put in as they are, never encoded again. */
const listText = (head: object, metadata: object, items: string, texts: readonly string[]) =>
  `${JSON.stringify({ ...head, metadata }).slice(0, -1)},"${items}":[${texts.join(',')}]}`;

const bookmarkLine = (type: object, revision: number, annotations?: Record<string, string>) =>
  eventLine('BOOKMARK', JSON.stringify({ ...type, metadata: bookmarkMetadata(revision, annotations) }));

const bookmarkMetadata = (revision: number, annotations?: Record<string, string>) => ({
  resourceVersion: String(revision),
  creationTimestamp: null,
  ...(annotations && { annotations }),
});
