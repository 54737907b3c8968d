import type { ApiResponse } from '../../base/exchange.ts';
import { badRequest, methodNotSupported, Namespace } from '../../kube/mod.ts';
import { jsonResponse } from '../encoding/response.ts';
import { listPage } from '../registry/list.ts';
import { openWatch } from '../registry/watch.ts';
import { decodeLoose, decodeObject } from '../request/decode.ts';
import { deleteOptions, isWatch, listOptions, watchOptions, writeOptions } from '../request/options.ts';
import { selectionOf } from '../request/selection.ts';
import { refuse } from '../status-error.ts';
import { admitOf } from './admit.ts';
import { type Call, writerOf } from './context.ts';
import { answerVersion, encoderFor } from './encode.ts';

/** GET, POST and DELETE on a collection. */
export function serveCollection(call: Call): Promise<ApiResponse> {
  switch (call.request.method) {
    case 'GET':
      return isWatch(call.route.query) ? watch(call) : list(call);
    case 'POST':
      return create(call);
    case 'DELETE':
      return deleteCollection(call);
    default:
      return refuse(methodNotSupported(call.registry.resource, call.request.method.toLowerCase()));
  }
}

async function list(call: Call): Promise<ApiResponse> {
  const { registry, route } = call;
  const options = listOptions(route.query);
  const encoder = encoderFor(call, 'partial-list');
  const selection = selectionOf(registry.resource, options, registry.prefixOf(route.namespace));
  const { versions, metadata } = await listPage(call, selection, options);
  return jsonResponse(200, encoder.list(versions, metadata));
}

/** Also for a watch on one object, which its URL names. */
export async function watch(call: Call): Promise<ApiResponse> {
  const { registry, route, request } = call;
  const options = watchOptions(route.query);
  const encoder = encoderFor(call, 'partial');
  const selection = selectionOf(registry.resource, options, registry.prefixOf(route.namespace), route.name);
  const body = await openWatch(call, selection, options, encoder, request.signal);
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

async function create(call: Call): Promise<ApiResponse> {
  const { registry, route, request } = call;
  const options = writeOptions(route.query, 'CreateOptions');
  const { object, warnings } = await decodeObject(request, registry.resource, options);
  if (registry.resource.namespaced && route.namespace === undefined)
    refuse(badRequest('an empty namespace may not be set during creation'));
  const owner = writerOf(call, options);
  const { version } = await registry.create(route.namespace, object, {
    dryRun: options.dryRun,
    owner,
    admit: admitOf(call),
  });
  return answerVersion(call, version, 201, warnings);
}

const deletionsAtOnce = 64;

async function deleteCollection(call: Call): Promise<ApiResponse> {
  const { registry, route, request } = call;
  const { resource } = registry;
  // As upstream: not all namespaces at once, and no namespaces.
  if (resource === Namespace || (resource.namespaced && route.namespace === undefined))
    refuse(methodNotSupported(resource, 'deletecollection'));
  const options = deleteOptions(route.query, await decodeLoose(request));
  const selected = listOptions(route.query);
  const selection = selectionOf(resource, selected, registry.prefixOf(route.namespace));
  const { versions, metadata } = await listPage(call, selection, selected);
  const admit = admitOf(call);
  for (let start = 0; start < versions.length; start += deletionsAtOnce) {
    const batch = versions.slice(start, start + deletionsAtOnce);
    await Promise.all(batch.map(({ object }) => registry.deleteIfThere(object.metadata, options, admit)));
  }
  return jsonResponse(200, encoderFor(call, 'partial-list').list(versions, metadata));
}
