import {
  badRequest,
  isInputError,
  matchesFields,
  matchesLabels,
  nameIn,
  parseFieldSelector,
  parseLabelSelector,
  type Resource,
} from '../../kube/mod.ts';
import type { Version } from '../cache/version.ts';
import { refuse } from '../status-error.ts';
import type { ListOptions } from './options.ts';

/** Which objects of a collection a request is about. */
export interface Selection {
  readonly selects: (version: Version) => boolean;
  /** Neither labels nor fields nor a namespace narrow it. */
  readonly isEverything: boolean;
  /** Keys of other objects need not be looked at. */
  readonly prefix: string;
}

/**
 * @param prefix where the collection's objects are kept
 * @param name the object that the URL names, for a watch on one object
 */
export function selectionOf(
  resource: Resource,
  options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>,
  prefix: string,
  name?: string,
): Selection {
  const labels = parsed(() => parseLabelSelector(options.labelSelector));
  const fields = parsed(() => parseFieldSelector(resource, options.fieldSelector));
  const wantedName = name ?? nameIn(fields);
  const byName = wantedName === undefined ? undefined : `/${wantedName}`;
  const selects = (version: Version) =>
    version.key.startsWith(prefix) &&
    (byName === undefined || version.key.endsWith(byName)) &&
    (labels.length === 0 || matchesLabels(labels, version.object.metadata.labels)) &&
    (fields.length === 0 || matchesFields(resource, fields, version.object));
  return { selects, isEverything: labels.length === 0 && fields.length === 0 && byName === undefined, prefix };
}

function parsed<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (isInputError(error)) return refuse(badRequest(error.detail));
    throw error;
  }
}
