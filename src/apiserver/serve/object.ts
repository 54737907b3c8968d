import type { ApiResponse } from '../../base/exchange.ts';
import { methodNotSupported, success } from '../../kube/mod.ts';
import { jsonResponse } from '../encoding/response.ts';
import { reachAsked } from '../registry/list.ts';
import { checkObject, decodeLoose, decodeObject } from '../request/decode.ts';
import { deleteOptions, isWatch, listOptions, writeOptions } from '../request/options.ts';
import { readPatch } from '../request/patch.ts';
import { refuse } from '../status-error.ts';
import { admitOf } from './admit.ts';
import { apply, isApply } from './apply.ts';
import { watch } from './collection.ts';
import { type NamedCall, writerOf } from './context.ts';
import { answerVersion } from './encode.ts';

/** GET, PUT, PATCH and DELETE on one object. */
export function serveObject(call: NamedCall): Promise<ApiResponse> {
  switch (call.request.method) {
    case 'GET':
      return isWatch(call.route.query) ? watch(call) : get(call);
    case 'PUT':
      return replace(call, 'object');
    case 'PATCH':
      return patch(call, 'object');
    case 'DELETE':
      return remove(call);
    default:
      return refuse(methodNotSupported(call.registry.resource, call.request.method.toLowerCase()));
  }
}

/** The status subresource: the same object, of which only the status is written. */
export function serveStatus(call: NamedCall): Promise<ApiResponse> {
  switch (call.request.method) {
    case 'GET':
      return get(call);
    case 'PUT':
      return replace(call, 'status');
    case 'PATCH':
      return patch(call, 'status');
    default:
      return refuse(methodNotSupported(call.registry.resource, call.request.method.toLowerCase()));
  }
}

async function get(call: NamedCall): Promise<ApiResponse> {
  const { resourceVersion } = listOptions(call.route.query);
  if (resourceVersion !== '') await reachAsked(call.feed, Number(resourceVersion));
  return answerVersion(call, await call.registry.get(call.ref), 200);
}

async function replace(call: NamedCall, scope: 'object' | 'status'): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  const options = writeOptions(route.query, 'UpdateOptions');
  const { object, warnings } = await decodeObject(request, registry.resource, options);
  const { dryRun } = options;
  const owner = writerOf(call, options);
  const written = await registry.replace(ref, object, { dryRun, scope, owner, admit: admitOf(call) });
  return answerVersion(call, written.version, written.created ? 201 : 200, warnings);
}

async function patch(call: NamedCall, scope: 'object' | 'status'): Promise<ApiResponse> {
  if (isApply(call.request)) return apply(call, scope);
  const { registry, route, request, ref } = call;
  const options = writeOptions(route.query, 'PatchOptions');
  const read = readPatch(request, registry.resource);
  let warnings: readonly string[] = [];
  const edit = (draft: object) => {
    const checked = checkObject(read.apply(draft), registry.resource, options, read.duplicates);
    warnings = checked.warnings;
    return checked.object;
  };
  const owner = writerOf(call, options);
  const { version } = await registry.edit(ref, edit, { dryRun: options.dryRun, scope, owner, admit: admitOf(call) });
  return answerVersion(call, version, 200, warnings);
}

async function remove(call: NamedCall): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  const options = deleteOptions(route.query, await decodeLoose(request));
  const { version, isGone } = await registry.delete(ref, options, admitOf(call));
  if (!isGone) return answerVersion(call, version, 200);
  const { group, plural } = registry.resource;
  const { name, uid } = version.object.metadata;
  return jsonResponse(200, JSON.stringify(success({ name, ...(group && { group }), kind: plural, uid })));
}
