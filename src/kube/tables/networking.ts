import type { Ingress, IngressClass, IPAddress, ServiceCIDR } from '../kinds/networking.ts';
import type { PodDisruptionBudget, PriorityClass, RuntimeClass } from '../kinds/policy.ts';
import { ageColumn, type Column, column, firstThree, nameColumn, none } from './column.ts';

const notAvailable = 'N/A';

export const ingressColumns: readonly Column<Ingress>[] = [
  nameColumn,
  column('Class', 'The class whose controller serves it', ({ spec }) => spec?.ingressClassName ?? none),
  column('Hosts', 'The names that it answers to', ({ spec }) =>
    firstThree(
      (spec?.rules ?? []).flatMap(({ host }) => (host ? [host] : [])),
      '*',
    ),
  ),
  column('Address', 'Where it is reached', ({ status }) =>
    (status?.loadBalancer?.ingress ?? [])
      .map(({ ip, hostname }) => ip || hostname || '')
      .filter(Boolean)
      .join(','),
  ),
  column('Ports', 'Where it listens', ({ spec }) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80')),
  ageColumn,
];

export const ingressClassColumns: readonly Column<IngressClass>[] = [
  nameColumn,
  column('Controller', 'Who serves it', ({ spec }) => spec?.controller ?? ''),
  column('Parameters', 'What configures the controller', ({ spec }) => {
    const { apiGroup, kind, name } = spec?.parameters ?? {};
    return kind ? `${kind}${apiGroup ? `.${apiGroup}` : ''}/${name}` : none;
  }),
  ageColumn,
];

export const serviceCidrColumns: readonly Column<ServiceCIDR>[] = [
  nameColumn,
  column('CIDRs', 'The ranges', ({ spec }) => (spec?.cidrs ?? []).join(',')),
  ageColumn,
];

export const ipAddressColumns: readonly Column<IPAddress>[] = [
  nameColumn,
  column('ParentRef', 'What has the address', ({ spec }) => {
    const { group, resource, namespace, name } = spec?.parentRef ?? {};
    const kind = group ? `${resource}.${group}` : resource;
    return [kind, namespace, name].filter(Boolean).join('/');
  }),
];

export const disruptionBudgetColumns: readonly Column<PodDisruptionBudget>[] = [
  nameColumn,
  column('Min Available', 'How many must stay', ({ spec }) => String(spec?.minAvailable ?? notAvailable)),
  column('Max Unavailable', 'How many may go', ({ spec }) => String(spec?.maxUnavailable ?? notAvailable)),
  column('Allowed Disruptions', 'How many may go now', ({ status }) => status?.disruptionsAllowed ?? 0, 'integer'),
  ageColumn,
];

export const priorityClassColumns: readonly Column<PriorityClass>[] = [
  nameColumn,
  column('Value', 'Higher comes first', ({ value }) => value, 'integer'),
  column('Global-Default', 'Whether Pods without a class have it', ({ globalDefault = false }) =>
    String(globalDefault),
  ),
  ageColumn,
  column('PreemptionPolicy', 'Whether its Pods displace others', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
];

export const runtimeClassColumns: readonly Column<RuntimeClass>[] = [
  nameColumn,
  column('Handler', 'What runs its Pods', ({ handler }) => handler),
  ageColumn,
];
