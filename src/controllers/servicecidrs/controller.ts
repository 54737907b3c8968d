import { IPAddress, keyOf, ServiceCIDR } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { finalizer, isNeeded, ready, terminating, withCondition } from './plan.ts';

/**
 * Says of ranges for Services that they may be used, and keeps those that are deleted until nobody has an address in them
 * that no other range has (KEP-1880). Keys are ServiceCIDRs.
 */
export function startServiceCidrController(context: ControllerContext): StopController {
  const { client, informers, clock } = context;
  const cidrs = informers.of(ServiceCIDR);
  const addresses = informers.of(IPAddress);
  const loop = new ControllerLoop(context, { name: 'servicecidr', sync });

  cidrs.onChange(({ key, before, after }) => {
    loop.add(key);
    // One that goes, comes or grows may be what another one waited for.
    if (before?.metadata.generation !== after?.metadata.generation) addDeleted();
  });
  addresses.onChange(({ after }) => {
    if (!after) addDeleted();
  });

  function addDeleted(): void {
    for (const cidr of cidrs.list()) if (cidr.metadata.deletionTimestamp) loop.add(keyOf(cidr));
  }

  async function sync(key: string): Promise<void> {
    const cidr = cidrs.get(key);
    if (!cidr) return;
    if (cidr.metadata.deletionTimestamp) return letGo(key, cidr);
    const held = withFinalizer(cidr);
    const written = held === cidr ? cidr : loop.wrote(key, cidrs, await client.update(ServiceCIDR, held));
    await setCondition(key, written, ready(clock.now()));
  }

  async function letGo(key: string, cidr: ServiceCIDR): Promise<void> {
    const { finalizers = [] } = cidr.metadata;
    if (!finalizers.includes(finalizer)) return;
    const others = [...cidrs.list()].filter(({ metadata }) => metadata.uid !== cidr.metadata.uid);
    const names = [...addresses.list()].map(({ metadata }) => metadata.name);
    // First it is taken out of use, and seen to be: an address may be on its way out of it right now.
    const isOut = cidr.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False');
    if (!isOut || isNeeded(cidr, others, names)) {
      await setCondition(key, cidr, terminating(clock.now()));
      return;
    }
    const rest = finalizers.filter((name) => name !== finalizer);
    await client.update(ServiceCIDR, { ...cidr, metadata: { ...cidr.metadata, finalizers: rest } });
  }

  async function setCondition(key: string, cidr: ServiceCIDR, condition: ReturnType<typeof ready>): Promise<void> {
    const after = withCondition(cidr, condition);
    if (after !== cidr) loop.wrote(key, cidrs, await client.updateStatus(ServiceCIDR, after));
  }

  return () => loop.stop();
}

function withFinalizer(cidr: ServiceCIDR): ServiceCIDR {
  const { finalizers = [] } = cidr.metadata;
  if (finalizers.includes(finalizer)) return cidr;
  return { ...cidr, metadata: { ...cidr.metadata, finalizers: [...finalizers, finalizer] } };
}
