import type { Logger } from '../../base/log.ts';
import type { Service } from '../../kube/mod.ts';
import { isStoreError } from '../../store/errors.ts';
import type { Operation, Store } from '../../store/port.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { addressObject, type Pool } from './pool.ts';
import { ownerText, type ServiceAllocation } from './service-allocation.ts';
import { holdingsOf } from './service-needs.ts';

export interface RepairParts {
  readonly allocation: ServiceAllocation;
  readonly services: ResourceCache;
  readonly store: Store;
  readonly log: Logger;
}

/**
 * What Services have and what is kept as taken are written in one commit and cannot come apart by themselves. They can by
 * others: an IPAddress that somebody deletes, a store that was edited by hand or written by an earlier release. Memory
 * stands at one revision, so what differs in it differs in truth; what is changed meanwhile is left to the next round.
 * @returns how much was mended
 */
export async function repairAllocations({ allocation, services, store, log }: RepairParts): Promise<number> {
  const { addressPool, portPool, now } = allocation;
  const addresses = new Map<string, Service>();
  const ports = new Map<string, Service>();
  for (const { object } of services.list(services.prefix)) {
    const service = object as Service;
    const held = holdingsOf(service.spec);
    for (const address of held.addresses) addresses.set(address, service);
    for (const port of held.ports) ports.set(port, service);
  }
  const keptAddresses = [...addressPool.ours()].map(({ metadata }) => metadata.name);
  const operations = [
    ...differences(addressPool, keptAddresses, addresses, (name, owner) => addressObject(name, owner, now())),
    ...differences(portPool, [...portPool.names()], ports, (_, owner) => ownerText(owner)),
  ];
  let mended = 0;
  for (const operation of operations) if (await commitUnlessChanged(store, operation)) mended++;
  if (mended > 0) log.warn('Addresses and ports of Services have been mended', { mended });
  return mended;
}

function differences(
  pool: Pool,
  kept: readonly string[],
  wanted: ReadonlyMap<string, Service>,
  valueFor: (name: string, owner: Service) => string,
): Operation[] {
  const operations: Operation[] = [];
  for (const [name, owner] of wanted)
    if (!pool.entry(name)) operations.push({ type: 'create', key: pool.prefix + name, value: valueFor(name, owner) });
  for (const name of kept) {
    const entry = wanted.has(name) ? undefined : pool.entry(name);
    if (entry) operations.push({ type: 'delete', key: entry.key, expected: entry.modRevision });
  }
  return operations;
}

async function commitUnlessChanged(store: Store, operation: Operation): Promise<boolean> {
  try {
    await store.commit([operation]);
    return true;
  } catch (error) {
    if (isStoreError(error, 'exists', 'missing', 'stale')) return false;
    throw error;
  }
}
