import type { PodRecords } from './cluster-zone.ts';
import type { NamespaceIndex } from './namespaces.ts';
import type { ServiceEntry } from './service-entry.ts';
import type { Suggestions } from './suggest.ts';

/** What the explainer may look at. */
export interface ZoneFacts {
  readonly index: NamespaceIndex;
  readonly suggestions: Suggestions;
  readonly podRecords: PodRecords;
  /** Nobody tells this server of endpoints. */
  readonly withoutEndpoints: boolean;
}

/** `below` are the labels before the cluster's domain. The sentence goes into an Extended DNS Error (RFC 8914). */
export function explainMissing(below: readonly string[], facts: ZoneFacts): string {
  const kind = below.at(-1);
  const namespace = below.at(-2);
  if (kind !== 'svc' && kind !== 'pod') return 'Names of the cluster end in svc or pod before its domain';
  if (namespace === undefined) return `No record of this type at ${kind}`;
  if (!facts.index.has(namespace)) {
    return orRather(`No namespace ${namespace}`, facts.suggestions.nearestNamespace(namespace));
  }
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
  const entry = facts.index.entry(namespace, service);
  if (!entry?.service) {
    return orRather(`No Service ${service} in namespace ${namespace}`, facts.suggestions.nearest(namespace, service));
  }
  const subject = `Service ${namespace}/${service}`;
  if (entry.service.kind === 'addressless') return `${subject} exists, without a cluster IP or an external name`;
  const published = entry.published().length;
  if (entry.isIgnored() || (entry.service.kind === 'headless' && published === 0)) {
    return `${subject} exists, ${readiness(entry, facts)}`;
  }
  if (names.length === 1) return `${subject} exists, without a record of this type`;
  const below = names.slice(0, -1).join('.');
  if (below.startsWith('_')) return `${subject} exists, no port ${below} with a record of this type`;
  return `${subject} exists, none of its ${published} ready endpoints is named ${below} with a record of this type`;
}

function readiness(entry: ServiceEntry, { withoutEndpoints }: ZoneFacts): string {
  if (withoutEndpoints) return 'and its endpoints are not known here (noendpoints)';
  const count = entry.endpointCount();
  return count === 0 ? 'without an endpoint' : `0 of ${count} endpoints are ready`;
}

const orRather = (sentence: string, suggestion: string | undefined): string =>
  suggestion === undefined ? sentence : `${sentence}; did you mean ${suggestion}?`;
