import { isDeepStrictEqual } from 'node:util';
import type { ApiResponse } from '../../base/exchange.ts';
import {
  type KubeObject,
  methodNotSupported,
  type Namespace,
  noSuchResource,
  type Pod,
  success,
} from '../../kube/mod.ts';
import { jsonResponse } from '../encoding/response.ts';
import { bindPod, readBinding } from '../registry/binding.ts';
import { scaleOf, withScale } from '../registry/scale.ts';
import { decodeLoose, decodeObject } from '../request/decode.ts';
import { writeOptions } from '../request/options.ts';
import { readPatch } from '../request/patch.ts';
import { refuse } from '../status-error.ts';
import { admitOf } from './admit.ts';
import { applyScale, isApply } from './apply.ts';
import { type NamedCall, writerOf } from './context.ts';
import { answerVersion } from './encode.ts';
import { evict } from './evict.ts';
import { serveStatus } from './object.ts';
import { createToken } from './token.ts';

/** What can be asked of an object beside the object itself. */
export function serveSubresource(call: NamedCall, subresource: string): Promise<ApiResponse> {
  const { kind, subresources } = call.registry.resource;
  if (subresource === 'status' && subresources.includes('status')) return serveStatus(call);
  if (subresource === 'scale' && subresources.includes('scale')) return serveScale(call);
  if (subresource === 'binding' && kind === 'Pod') return only('POST', call, bind);
  if (subresource === 'eviction' && kind === 'Pod') return only('POST', call, evict);
  if (subresource === 'token' && kind === 'ServiceAccount')
    return only('POST', call, () => createToken(call, call.tokens.accounts));
  // What may be changed there, and by whom, is the admission's to judge.
  if (subresource === 'approval' && kind === 'CertificateSigningRequest') return serveStatus(call);
  if (subresource === 'finalize' && kind === 'Namespace') return only('PUT', call, finalize);
  return refuse(noSuchResource());
}

function only(method: string, call: NamedCall, serve: (call: NamedCall) => Promise<ApiResponse>) {
  if (call.request.method === method) return serve(call);
  return refuse(methodNotSupported(call.registry.resource, call.request.method.toLowerCase()));
}

async function serveScale(call: NamedCall): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  if (request.method === 'GET') return jsonResponse(200, JSON.stringify(scaleOf(await registry.get(ref))));
  if (request.method !== 'PUT' && request.method !== 'PATCH')
    return refuse(methodNotSupported(registry.resource, request.method.toLowerCase()));
  if (isApply(request)) return applyScale(call);
  const options = writeOptions(route.query, request.method === 'PUT' ? 'UpdateOptions' : 'PatchOptions');
  const { dryRun } = options;
  const given = request.method === 'PUT' ? await decodeLoose(request) : undefined;
  const apply = given ? () => given : readPatch(request, registry.resource).apply;
  const { version } = await registry.edit(
    ref,
    (draft: KubeObject, before) => withScale(draft, apply(scaleOf(before))),
    { dryRun, scope: 'object', owner: writerOf(call, options), admit: admitOf(call) },
  );
  return jsonResponse(200, JSON.stringify(scaleOf(version)));
}

async function bind(call: NamedCall): Promise<ApiResponse> {
  const { registry, route, request, ref, clock } = call;
  const { dryRun } = writeOptions(route.query, 'CreateOptions');
  const target = readBinding(await decodeLoose(request));
  await registry.edit(ref, (draft: Pod) => bindPod(draft, target, clock.now()), {
    dryRun,
    scope: 'as-is',
    admit: admitOf(call),
  });
  return jsonResponse(201, JSON.stringify({ ...success(), code: 201 }));
}

/** The namespace controller says here that nothing is left inside. */
async function finalize(call: NamedCall): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  const options = writeOptions(route.query, 'UpdateOptions');
  const { object, warnings } = await decodeObject(request, registry.resource, options);
  const given = object as Namespace;
  const edit = (draft: Namespace) => ({
    ...draft,
    metadata: { ...draft.metadata, ...versionOf(given) },
    spec: isDeepStrictEqual(draft.spec, given.spec) ? draft.spec : { finalizers: given.spec?.finalizers ?? [] },
  });
  const { version } = await registry.edit(ref, edit, {
    dryRun: options.dryRun,
    scope: 'as-is',
    admit: admitOf(call),
  });
  return answerVersion(call, version, 200, warnings);
}

const versionOf = ({ metadata: { resourceVersion, uid } }: KubeObject) => ({
  ...(resourceVersion && { resourceVersion }),
  ...(uid && { uid }),
});
