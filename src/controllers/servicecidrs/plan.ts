import ipaddr from 'ipaddr.js';
import { formatTime, type ServiceCIDR } from '../../kube/mod.ts';

export const finalizer = 'networking.k8s.io/service-cidr-finalizer';

type Condition = NonNullable<NonNullable<ServiceCIDR['status']>['conditions']>[number];

/** Whether an address that somebody holds has no other range than this one to be in. */
export function isNeeded(cidr: ServiceCIDR, others: readonly ServiceCIDR[], addresses: Iterable<string>): boolean {
  const elsewhere = others.filter(({ metadata }) => metadata.deletionTimestamp === undefined).flatMap(rangesOf);
  for (const address of addresses)
    if (
      rangesOf(cidr).some((range) => contains(range, address)) &&
      !elsewhere.some((range) => contains(range, address))
    )
      return true;
  return false;
}

const rangesOf = ({ spec }: ServiceCIDR): readonly string[] => spec?.cidrs ?? [];

function contains(cidr: string, text: string): boolean {
  const address = ipaddr.parse(text);
  const [base, bits] = ipaddr.parseCIDR(cidr);
  return address.kind() === base.kind() && address.match(base, bits);
}

/** The words of upstream's controller (pkg/controller/servicecidrs). */
export const terminating = (nowMs: number): Condition => ({
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
  lastTransitionTime: formatTime(nowMs),
});

export const ready = (nowMs: number): Condition => ({
  type: 'Ready',
  status: 'True',
  reason: '',
  message: 'Kubernetes Service CIDR is ready',
  lastTransitionTime: formatTime(nowMs),
});

/** The object with this condition; the same object when it has it, whenever that was. */
export function withCondition(cidr: ServiceCIDR, condition: Condition): ServiceCIDR {
  const before = cidr.status?.conditions ?? [];
  const known = before.find(({ type }) => type === condition.type);
  if (known?.status === condition.status && known.reason === condition.reason) return cidr;
  const others = before.filter(({ type }) => type !== condition.type);
  return { ...cidr, status: { ...cidr.status, conditions: [...others, condition] } };
}
