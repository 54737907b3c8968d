import type { PodRecords } from './cluster-zone.ts';
import type { ServiceEntry } from './service-entry.ts';

/** What the zone lets its explainer ask. */
export interface ZoneFacts {
  hasNamespace(name: string): boolean;
  entry(service: string): ServiceEntry | undefined;
  readonly podRecords: PodRecords;
}

/** `below` are the labels before the cluster's domain. The sentence goes into an Extended DNS Error (RFC 8914). */
export function explainMissing(below: readonly string[], facts: ZoneFacts): string {
  const kind = below.at(-1);
  const namespace = below.at(-2);
  if (kind !== 'svc' && kind !== 'pod') return 'Names of the cluster end in svc or pod before its domain';
  if (namespace === undefined) return `No record of this type at ${kind}`;
  if (!facts.hasNamespace(namespace)) return `No namespace ${namespace}`;
  if (below.length === 2) return `No record of this type at namespace ${namespace}`;
  return kind === 'pod'
    ? explainPod(below.slice(0, -2), namespace, facts.podRecords)
    : explainService(below.slice(0, -2), namespace, facts);
}

function explainPod(names: readonly string[], namespace: string, mode: PodRecords): string {
  if (mode === 'disabled') return 'Pod records are disabled';
  const label = names.join('.');
  return mode === 'verified'
    ? `No Pod of namespace ${namespace} has the address ${label}, or no record of this type`
    : `${label} is not an address with dashes, or has no record of this type`;
}

function explainService(names: readonly string[], namespace: string, facts: ZoneFacts): string {
  const service = names.at(-1)!;
  const entry = facts.entry(`${namespace}/${service}`);
  if (!entry?.service) return `No Service ${service} in namespace ${namespace}`;
  const subject = `Service ${namespace}/${service}`;
  if (entry.service.kind === 'addressless') return `${subject} exists, without a cluster IP or an external name`;
  const published = entry.published().length;
  if (entry.service.kind === 'headless' && published === 0) {
    return `${subject} exists, 0 of ${entry.endpointCount()} endpoints are ready`;
  }
  if (names.length === 1) return `${subject} exists, without a record of this type`;
  const below = names.slice(0, -1).join('.');
  if (below.startsWith('_')) return `${subject} exists, no port ${below} with a record of this type`;
  return `${subject} exists, none of its ${published} ready endpoints is named ${below} with a record of this type`;
}
