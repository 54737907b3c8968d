import type { ApiResponse } from '../../base/exchange.ts';
import {
  failure,
  formatTime,
  internalError,
  matchesSelector,
  type Pod,
  PodDisruptionBudget,
  type Status,
  success,
} from '../../kube/mod.ts';
import { jsonResponse } from '../encoding/response.ts';
import { serverWriter } from '../registry/registry.ts';
import { decodeLoose, isObject } from '../request/decode.ts';
import { deleteOptions } from '../request/options.ts';
import { refuse } from '../status-error.ts';
import { admitOf } from './admit.ts';
import type { NamedCall } from './context.ts';

/** A delete that a disruption budget may refuse: what `kubectl drain` sends (upstream's EvictionREST). */
export async function evict(call: NamedCall): Promise<ApiResponse> {
  const { registry, route, request, ref } = call;
  const { deleteOptions: given } = await decodeLoose(request);
  const options = deleteOptions(route.query, isObject(given) ? given : {});
  const pod = (await registry.get(ref)).object as Pod;
  if (isCounted(pod)) await spend(call, pod, options.dryRun);
  await registry.delete(ref, options, admitOf(call));
  return jsonResponse(201, JSON.stringify({ ...success(), code: 201 }));
}

/** One that has ended, has not begun, or is leaving already is no loss. */
const isCounted = ({ metadata, status }: Pod) => !metadata.deletionTimestamp && status?.phase === 'Running';
const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;

async function spend({ registryOf, clock }: NamedCall, pod: Pod, dryRun: boolean): Promise<void> {
  const { name, namespace } = pod.metadata;
  const budgets = registryOf(PodDisruptionBudget);
  const found = [...budgets.cache.list(budgets.prefixOf(namespace))].filter(({ object }) =>
    covers(object as PodDisruptionBudget, pod),
  );
  if (found.length > 1)
    refuse(
      internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'),
    );
  const [budget] = found;
  if (!budget || isFree(budget.object as PodDisruptionBudget, pod)) return;
  const ref = { namespace, name: budget.object.metadata.name };
  const grant = (draft: PodDisruptionBudget) => granted(draft, name, formatTime(clock.now()));
  await budgets.edit(ref, grant, { dryRun, scope: 'status', owner: { ...serverWriter, subresource: 'status' } });
}

const covers = ({ spec }: PodDisruptionBudget, pod: Pod) =>
  spec?.selector !== undefined && matchesSelector(spec.selector, pod.metadata.labels);

/** A Pod that serves nobody may go while enough others do, or always, as the budget says. */
function isFree({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (isReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return status !== undefined && status.desiredHealthy > 0 && status.currentHealthy >= status.desiredHealthy;
}

function granted(budget: PodDisruptionBudget, pod: string, time: string): PodDisruptionBudget {
  const { metadata, status } = budget;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0))
    refuse(violation(`The disruption budget ${metadata.name} is still being processed by the server.`));
  if (!status || status.disruptionsAllowed <= 0) {
    const counts = `needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`;
    return refuse(violation(`The disruption budget ${metadata.name} ${counts}`));
  }
  const disruptedPods = { ...status.disruptedPods, [pod]: time };
  return { ...budget, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods } };
}

/** kubectl drain waits and asks again. */
const violation = (why: string): Status =>
  failure('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: why }],
  });
