import { type ResourceRecord, recordTypes } from '../../wire/dns/mod.ts';
import type { Domain } from './domain.ts';
import type { NamespaceIndex } from './namespaces.ts';
import { isWildcard, type ServiceEntry } from './service-entry.ts';
import type { RecordSet, RecordSets } from './zone-name.ts';

/** A message cannot hold many more, and the cluster may have a hundred times as many Services. */
const mostRecords = 1000;

const types = [recordTypes.A, recordTypes.AAAA, recordTypes.SRV];

/**
 * Names that CoreDNS knew before 1.9 and kube-dns before it: `*` or `any` in the place of a Service or a namespace stands
 * for all of them. Undefined when nothing is there. ExternalName Services are left out: an alias stands alone (RFC 1034).
 */
export function wildcardSets(
  key: string,
  below: readonly string[],
  domain: Domain,
  index: NamespaceIndex,
): RecordSets | undefined {
  const [service = '', namespace = ''] = below.slice(-3, -1);
  const inner = below.slice(0, -3);
  const found: RecordSets[] = [];
  for (const entry of entriesOf(index, namespace, service)) {
    const sets = entry.service?.kind === 'external-name' ? undefined : entry.lookup(key, inner, domain);
    if (sets) found.push(sets);
    if (found.length >= mostRecords) break;
  }
  if (found.length === 0) return undefined;
  return new Map(types.map((type) => [type, () => join(found, type)]));
}

function* entriesOf(index: NamespaceIndex, namespace: string, service: string): Generator<ServiceEntry> {
  for (const each of isWildcard(namespace) ? index.names() : [namespace]) {
    if (isWildcard(service)) yield* index.entriesOf(each);
    else yield* [index.entry(each, service) ?? []].flat();
  }
}

function join(sets: readonly RecordSets[], type: number): RecordSet {
  const answers: ResourceRecord[] = [];
  const additionals: ResourceRecord[] = [];
  for (const of of sets) {
    const set = of.get(type)?.();
    answers.push(...(set?.answers ?? []));
    additionals.push(...(set?.additionals ?? []));
    if (answers.length >= mostRecords) break;
  }
  return { answers: answers.slice(0, mostRecords), additionals: additionals.slice(0, mostRecords) };
}
