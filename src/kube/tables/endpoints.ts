import { isIPv6 } from 'node:net';
import type { EndpointSlice, Endpoints } from '../kinds/endpoints.ts';
import { ageColumn, type Column, column, firstThree, nameColumn, none } from './column.ts';

export const endpointsColumns: readonly Column<Endpoints>[] = [
  nameColumn,
  column('Endpoints', 'Addresses that are ready, with their ports', endpointsText),
  ageColumn,
];

export const endpointSliceColumns: readonly Column<EndpointSlice>[] = [
  nameColumn,
  column('AddressType', 'The family of the addresses', ({ addressType }) => addressType),
  column('Ports', 'Ports that every endpoint of the slice listens on', portsText),
  column('Endpoints', 'Addresses of the slice, ready or not', ({ endpoints }) =>
    firstThree(
      endpoints.flatMap(({ addresses }) => addresses),
      '<unset>',
    ),
  ),
  ageColumn,
];

function endpointsText({ subsets }: Endpoints): string {
  const targets = (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => (isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`))),
  );
  // Upstream leaves the cell empty when there are subsets without a ready address, and kubectl shows that.
  return firstThree(targets, subsets?.length ? '' : none);
}

function portsText({ ports }: EndpointSlice): string {
  const texts = (ports ?? []).map(({ port, name }) => String(port ?? name ?? '*'));
  return firstThree(texts, '<unset>');
}
