import type { ApiRequest, ApiResponse } from '../../base/exchange.ts';
import {
  applyConfiguration,
  applyConflict,
  badRequest,
  conflict,
  formatTime,
  type KubeObject,
} from '../../kube/mod.ts';
import { jsonResponse } from '../encoding/response.ts';
import { changeOrCreate, type Edit, type Written } from '../registry/registry.ts';
import { scaleOf } from '../registry/scale.ts';
import { configurationOf, readConfiguration } from '../request/configuration.ts';
import { checkObject, isObject, mediaTypeOf } from '../request/decode.ts';
import { type ApplyOptions, applyOptions } from '../request/options.ts';
import { applyPatchType } from '../request/patch.ts';
import { refuse } from '../status-error.ts';
import { admitOf } from './admit.ts';
import { type NamedCall, writerOf } from './context.ts';
import { answerVersion } from './encode.ts';

export const isApply = (request: ApiRequest): boolean =>
  request.method === 'PATCH' && mediaTypeOf(request) === applyPatchType;

/** Server-side apply: https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
export async function apply(call: NamedCall, scope: 'object' | 'status'): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  const options = applyOptions(route.query);
  const { value, warnings } = await readConfiguration(request, options);
  const config = configurationOf(value, registry.resource, ref);
  const { version, created } = await applyConfig(call, config, options, scope);
  return answerVersion(call, version, created ? 201 : 200, warnings);
}

/** A Scale that is applied says one thing of the workload: how many. */
export async function applyScale(call: NamedCall): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  const options = applyOptions(route.query);
  const { value, warnings } = await readConfiguration(request, options);
  const replicas = isObject(value.spec) ? value.spec.replicas : undefined;
  if (value.kind !== 'Scale' || value.apiVersion !== 'autoscaling/v1')
    refuse(badRequest('the applied configuration must be a Scale of autoscaling/v1'));
  const { resourceVersion } = (isObject(value.metadata) ? value.metadata : {}) as { resourceVersion?: string };
  const workload = {
    ...{ apiVersion: registry.apiVersion, kind: registry.resource.kind },
    metadata: { ...(resourceVersion && { resourceVersion }) },
    spec: { ...(replicas !== undefined && { replicas }) },
  };
  const config = configurationOf(workload, registry.resource, ref);
  const { version } = await applyConfig(call, config, options, 'scale');
  return jsonResponse(200, JSON.stringify(scaleOf(version)), warnings);
}

async function applyConfig(
  call: NamedCall,
  config: KubeObject,
  { force, ...options }: ApplyOptions,
  scope: 'object' | 'status' | 'scale',
): Promise<Written> {
  const { registry, ref, clock } = call;
  const { resource } = registry;
  const writer = writerOf(call, options);
  const merged = (live: KubeObject | undefined): KubeObject => {
    const context = { resource, writer, time: formatTime(clock.now()) };
    const applied = applyConfiguration(context, live, config, { force });
    if (applied.type === 'conflicts') return refuse(applyConflict(applied.conflicts));
    return checkObject(applied.object, resource, { fieldValidation: 'Ignore' }).object;
  };
  const common = { dryRun: options.dryRun, owner: 'given' as const, admit: admitOf(call) };
  const edit: Edit = (draft) => merged(draft);
  const change = () => registry.edit(ref, edit, { ...common, scope: scope === 'status' ? 'status' : 'object' });
  if (scope !== 'object') return change();
  const create = () => {
    checkNew(call, config);
    return registry.create(ref.namespace, merged(undefined), common);
  };
  return changeOrCreate(change, create);
}

function checkNew({ registry: { resource }, ref: { name } }: NamedCall, { metadata: { uid } }: KubeObject): void {
  const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  if (uid) refuse(conflict(resource, name, why));
}
