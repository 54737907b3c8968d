import { messageOf } from '../../../base/errors.ts';
import { parseLabelSelector } from '../../../kube/port.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { KubernetesDirective } from '../options.ts';
import type { ReadContext } from '../read.ts';

const podModes = ['disabled', 'insecure', 'verified'] as const;

/** https://coredns.io/plugins/kubernetes/ */
export function readKubernetes(words: Words, context: ReadContext): KubernetesDirective {
  const zones = words.zones(context.zones);
  if (zones.every(isReverse)) {
    throw mistake(words.name, 'kubernetes needs a zone that is no reverse zone, such as cluster.local');
  }
  const found: { -readonly [Name in keyof KubernetesDirective]: KubernetesDirective[Name] } = {
    zones: [...zones.filter((zone) => !isReverse(zone)), ...zones.filter(isReverse)],
    endpoint: undefined,
    tls: undefined,
    kubeconfig: undefined,
    namespaces: undefined,
    labels: undefined,
    namespaceLabels: undefined,
    pods: 'disabled',
    endpointPodNames: false,
    ttlSeconds: 5,
    endpoints: true,
    fallthrough: undefined,
    ignoreEmptyServices: false,
    startupTimeoutMs: 5000,
    wildcards: false,
  };
  words.end({ withBlock: true });
  words.properties({
    endpoint: (property) => {
      const [first, second] = property.rest(1, 'the URL of an API server');
      if (second) context.notice(second, 'kubernetes uses the first endpoint only');
      found.endpoint = first!.text;
    },
    tls: (property) => {
      const files = ['the file of the certificate', 'the file of the key', 'the file of the CA'] as const;
      const [certFile, keyFile, caFile] = files.map((what) => property.next(what).text) as [string, string, string];
      found.tls = { certFile, keyFile, caFile };
    },
    kubeconfig: (property) => {
      const path = property.next('the path of a kubeconfig').text;
      found.kubeconfig = { path, context: property.hasMore ? property.next('a context').text : undefined };
    },
    namespaces: (property) => {
      found.namespaces = property.rest(1, 'at least one namespace').map(({ text }) => text);
    },
    labels: (property) => {
      found.labels = readSelector(property);
    },
    namespace_labels: (property) => {
      found.namespaceLabels = readSelector(property);
    },
    pods: (property) => {
      found.pods = property.oneOf(podModes);
    },
    endpoint_pod_names: () => {
      found.endpointPodNames = true;
    },
    ttl: (property) => {
      found.ttlSeconds = property.wholeNumber(0, 3600);
    },
    noendpoints: () => {
      found.endpoints = false;
    },
    fallthrough: (property) => {
      found.fallthrough = property.zones(['.']);
    },
    ignore: (property) => {
      property.oneOf(['empty_service']);
      found.ignoreEmptyServices = true;
    },
    // Our own: CoreDNS has not answered such names since 1.9.
    wildcards: () => {
      found.wildcards = true;
    },
    startup_timeout: (property) => {
      found.startupTimeoutMs = property.durationMs();
    },
    resyncperiod: (property) => {
      property.durationMs();
      context.notice(property.name, 'kubernetes has no resync period any more: resyncperiod does nothing');
    },
    upstream: (property) => {
      property.rest();
      context.notice(property.name, 'names outside the cluster go through this server: upstream does nothing');
    },
    apiserver_qps: (property) => ignoredNumber(property, context),
    apiserver_burst: (property) => ignoredNumber(property, context),
    apiserver_max_inflight: (property) => ignoredNumber(property, context),
    multicluster: (property) => {
      throw mistake(property.name, 'multicluster of kubernetes is not supported');
    },
    transfer: (property) => {
      throw mistake(property.name, 'transfer of kubernetes is not supported, CoreDNS has replaced it as well');
    },
  });
  if (found.namespaces && found.namespaceLabels) {
    throw mistake(words.name, 'namespaces and namespace_labels of kubernetes exclude each other');
  }
  return found;
}

const isReverse = (zone: string): boolean => /(^|\.)(in-addr|ip6)\.arpa$/.test(zone);

function readSelector(property: Words): string {
  const tokens = property.rest(1, 'a label selector');
  const text = tokens.map((token) => token.text).join(' ');
  try {
    parseLabelSelector(text);
  } catch (error) {
    throw mistake(tokens[0]!, `${JSON.stringify(text)} of ${property.name.text} is no selector: ${messageOf(error)}`);
  }
  return text;
}

/** Limits of a client that asks often; ours lists once and watches. */
function ignoredNumber(property: Words, context: ReadContext): void {
  property.wholeNumber(0);
  context.notice(property.name, `${property.name.text} does nothing: the API server is only listed once and watched`);
}
