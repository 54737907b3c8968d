import { nameKey, type ResourceRecord, recordTypes } from '../../wire/dns/mod.ts';
import { type Domain, tryEncode } from './domain.ts';
import type { NamespaceIndex } from './namespaces.ts';
import type { ServiceEntry } from './service-entry.ts';

const types = [recordTypes.A, recordTypes.AAAA, recordTypes.SRV, recordTypes.CNAME];

/**
 * The records of every Service, as a zone transfer lists them (like CoreDNS, without the endpoints of Services that have a
 * cluster IP). Made Service by Service while the client takes them: what changes meanwhile is in it or not, and the
 * serial says that there is something newer.
 */
export function* serviceRecords(domain: Domain, index: NamespaceIndex): Generator<ResourceRecord> {
  // Copies of who is there, since namespaces and Services come and go between two messages.
  for (const namespace of [...index.names()]) {
    for (const entry of [...index.entriesOf(namespace)]) yield* recordsOf(entry, domain);
  }
}

function* recordsOf(entry: ServiceEntry, domain: Domain): Generator<ResourceRecord> {
  yield* recordsAt(entry, [], domain);
  if (entry.service?.kind === 'external-name') return;
  for (const { name, protocol } of entry.namedPorts()) yield* recordsAt(entry, [`_${name}`, `_${protocol}`], domain);
  if (entry.service?.kind !== 'headless') return;
  const hostnames = new Set(entry.published().map(({ hostname }) => hostname));
  for (const hostname of hostnames) yield* recordsAt(entry, [hostname], domain);
}

function* recordsAt(entry: ServiceEntry, below: readonly string[], domain: Domain): Generator<ResourceRecord> {
  const name = tryEncode([...below, entry.name, entry.namespace, 'svc', domain.text].join('.'));
  const sets = name && entry.lookup(nameKey(name), below, domain);
  for (const type of types) yield* sets?.get(type)?.().answers ?? [];
}
