import { type Resource, resourceByPlural } from '../../kube/mod.ts';

/** Where a URL leads: an object or a collection of the API, or one of the pages around it. */
export type Route = ResourceRoute | PageRoute;

export interface ResourceRoute {
  readonly type: 'resource';
  readonly resource: Resource;
  /** Absent on cluster-scoped kinds and when all namespaces are meant. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

export interface PageRoute {
  readonly type: 'page';
  /** Without query and closing slash: `/apis/apps/v1`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Undefined: there is nothing at that address. */
export function parseRoute(url: string): Route | undefined {
  const mark = url.indexOf('?');
  const path = (mark < 0 ? url : url.slice(0, mark)).replace(/\/+$/, '');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const parts = decodeParts(path);
  if (!parts) return undefined;
  const inGroup = partsOfGroup(parts);
  if (!inGroup || inGroup.rest.length === 0) return { type: 'page', path, query };
  return resourceRoute(inGroup.group, inGroup.version, inGroup.rest, query);
}

/** The same address as a page, whatever it is. */
export function pageOf(url: string): PageRoute {
  const [path = '', query] = url.split('?', 2);
  return { type: 'page', path, query: new URLSearchParams(query ?? '') };
}

/** `/api/v1/...` is the core group, `/apis/GROUP/VERSION/...` every other. */
function partsOfGroup([root, ...parts]: string[]): { group: string; version: string; rest: string[] } | undefined {
  if (root === 'api' && parts.length > 0) return { group: '', version: parts[0]!, rest: parts.slice(1) };
  if (root === 'apis' && parts.length > 1) return { group: parts[0]!, version: parts[1]!, rest: parts.slice(2) };
  return undefined;
}

function resourceRoute(
  group: string,
  version: string,
  parts: string[],
  query: URLSearchParams,
): ResourceRoute | undefined {
  // `/namespaces/NAME/status` speaks of the Namespace, `/namespaces/NAME/pods` of what is in it.
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && !namespaceSubresources.has(parts[2]!);
  const namespace = inNamespace ? parts[1] : undefined;
  const [plural, name, subresource, ...more] = inNamespace ? parts.slice(2) : parts;
  const resource = resourceByPlural(group, version, plural ?? '');
  if (!resource || more.length > 0) return undefined;
  if (namespace !== undefined && !resource.namespaced) return undefined;
  // Only a collection can be spoken of across namespaces.
  if (namespace === undefined && name !== undefined && resource.namespaced) return undefined;
  return { type: 'resource', resource, namespace, name, subresource, query };
}

const namespaceSubresources = new Set(['status', 'finalize']);

function decodeParts(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
