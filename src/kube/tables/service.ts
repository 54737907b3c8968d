import type { Service } from '../kinds/service.ts';
import { ageColumn, type Column, column, labelsText, nameColumn, none, wide } from './column.ts';

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  column('Type', 'How the Service is exposed', ({ spec }) => spec.type),
  column(
    'Cluster-IP',
    'The virtual address of the Service',
    ({ spec }) => spec.clusterIPs?.[0] || spec.clusterIP || none,
  ),
  column('External-IP', 'Addresses by which the Service is reached from outside', externalText),
  column('Port(s)', 'Ports, each with its node port and protocol', portsText),
  ageColumn,
  wide('Selector', 'Labels of the Pods that serve', ({ spec }) => labelsText(spec.selector)),
];

function externalText({ spec, status }: Service): string {
  const fixed = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? '';
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      const known = [...new Set(given.filter((address) => address !== ''))].sort();
      return [...known, ...fixed].join(',') || '<pending>';
    }
    default:
      return fixed.join(',') || none;
  }
}

function portsText({ spec }: Service): string {
  const texts = (spec.ports ?? []).map(
    ({ port, nodePort, protocol }) => `${nodePort ? `${port}:${nodePort}` : port}/${protocol}`,
  );
  return texts.join(',') || none;
}
