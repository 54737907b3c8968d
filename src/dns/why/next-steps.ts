import { formatLabelSelector, matchesLabels, type Pod, requirementsOfMap, type Service } from '../../kube/mod.ts';
import { extendedErrors } from '../../wire/dns/mod.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Result, Step } from './report.ts';

/** What a name of the cluster is about. */
interface Target {
  readonly namespace: string;
  readonly service: string;
  /** The labels before the Service's. */
  readonly below: readonly string[];
}

/** So many Pods are told about one by one. */
const mostPods = 3;
const dnsPods = 'kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide';
const dnsLogs = 'kubectl -n kube-system logs -l k8s-app=kube-dns';

/** What somebody who wants the name to work does next. */
export function nextSteps(result: Result, steps: readonly Step[], view: ClusterView | undefined): string[] {
  switch (result.outcome) {
    case 'found':
      return [];
    case 'silent':
      return [
        `See whether a DNS server is ready: ${dnsPods}`,
        "From outside of the cluster a Service's address cannot be reached: run this on a node, or ask a server's Pod with --server",
      ];
    case 'failed':
      return [...afterFailure(steps), ...(view ? afterMissing(steps, view) : [])];
    default:
      return view
        ? afterMissing(steps, view)
        : ['Give --kubeconfig, so that the objects behind the name can be looked at'];
  }
}

function afterFailure(steps: readonly Step[]): string[] {
  const failed = steps.flatMap(({ questions }) => questions).find(({ outcome }) => outcome === 'failed');
  const code = failed?.extendedError?.code;
  if (code === extendedErrors.NotReady)
    return [`See why the DNS server does not get the cluster's objects: ${dnsLogs}`];
  if (code === extendedErrors.NoReachableAuthority) {
    return [
      "Ask the resolvers that it names from the DNS server's node; which they are stands in the Corefile's forward",
    ];
  }
  return [`See what the DNS server says about it: ${dnsLogs}`];
}

function afterMissing(steps: readonly Step[], view: ClusterView): string[] {
  const missing = steps.filter(({ outcome }) => outcome === 'no-name' || outcome === 'no-record');
  const targets = missing.flatMap(({ name }) => targetOf(name, view) ?? []);
  const meant =
    targets.find(({ namespace, service }) => view.services.has(`${namespace}/${service}`)) ??
    // Of `www.shop` the search list makes a name below a Service, and then a Service's own, which is what was meant.
    targets.toSorted((one, other) => one.below.length - other.below.length)[0];
  if (!meant) return [];
  const service = view.services.get(`${meant.namespace}/${meant.service}`);
  return service ? aboutService(service, meant, view) : aboutMissingService(meant, view);
}

function targetOf(name: string, { clusterDomain }: ClusterView): Target | undefined {
  const end = `.svc.${clusterDomain}`;
  const lower = name.toLowerCase();
  if (!lower.endsWith(end)) return undefined;
  const [namespace, service, ...below] = lower.slice(0, -end.length).split('.').reverse();
  return namespace && service ? { namespace, service, below: below.reverse() } : undefined;
}

function aboutMissingService({ namespace, service, below }: Target, view: ClusterView): string[] {
  if (view.pods.has(`${namespace}/${service}`)) {
    return [
      `There is a Pod ${namespace}/${service}, but a Pod has a name only below a headless Service that its spec.subdomain names`,
    ];
  }
  const elsewhere = [...view.services.values()].filter(({ metadata }) => metadata.name === service);
  if (elsewhere.length > 0) {
    return elsewhere.slice(0, mostPods).map(({ metadata }) => {
      const name = [...below, service, metadata.namespace].join('.');
      return `Service ${service} is in namespace ${metadata.namespace}: ask for ${name}`;
    });
  }
  return view.namespaces.has(namespace)
    ? [`See which Services there are: kubectl -n ${namespace} get services`]
    : ['See which namespaces there are: kubectl get namespaces'];
}

function aboutService(service: Service, { namespace, below }: Target, view: ClusterView): string[] {
  const { name } = service.metadata;
  const [hostname] = below;
  if (service.spec.type === 'ExternalName') return [];
  if (service.spec.clusterIP !== 'None') {
    return below.length > 0 ? [`See its ports and endpoints: kubectl -n ${namespace} describe service ${name}`] : [];
  }
  if (below.length === 1 && hostname !== undefined) return aboutHostname(service, hostname, view);
  return aboutEndpoints(service, view);
}

/** Why a headless Service has nobody to give out. */
function aboutEndpoints(service: Service, view: ClusterView): string[] {
  const { metadata, spec } = service;
  const { namespace, name } = metadata;
  if (!spec.selector || Object.keys(spec.selector).length === 0) {
    const label = `kubernetes.io/service-name=${name}`;
    return [
      `It has no selector: whoever made it makes its EndpointSlices: kubectl -n ${namespace} get endpointslices -l ${label}`,
    ];
  }
  const selector = formatLabelSelector(requirementsOfMap(spec.selector));
  const pods = selected(service, view);
  if (pods.length === 0) {
    return [
      `No Pod of namespace ${namespace} has the labels that it selects (${selector}): kubectl -n ${namespace} get pods --show-labels`,
    ];
  }
  const waiting = pods.filter((pod) => !isReady(pod));
  return [
    ...waiting.slice(0, mostPods).map((pod) => `Pod ${namespace}/${pod.metadata.name} is not ready: ${stateOf(pod)}`),
    ...(waiting[0] ? [`kubectl -n ${namespace} describe pod ${waiting[0].metadata.name}`] : []),
  ];
}

/** Why a Pod has no name below a headless Service. */
function aboutHostname(service: Service, hostname: string, view: ClusterView): string[] {
  const { namespace, name } = service.metadata;
  const pod = [...view.pods.values()].find(
    ({ metadata, spec }) =>
      metadata.namespace === namespace && (spec.hostname === hostname || metadata.name === hostname),
  );
  if (!pod) return [`There is no Pod ${hostname}: kubectl -n ${namespace} get pods`];
  const subject = `Pod ${namespace}/${pod.metadata.name}`;
  if (pod.spec.subdomain !== name) {
    const found = pod.spec.subdomain === undefined ? 'none' : JSON.stringify(pod.spec.subdomain);
    return [
      `${subject} has names below the Service that its spec.subdomain names: ${found}, not "${name}" (a StatefulSet's serviceName)`,
    ];
  }
  if (pod.spec.hostname !== hostname)
    return [`${subject} has the name of its spec.hostname: ${pod.spec.hostname ?? 'it has none'}`];
  if (!selected(service, view).includes(pod)) {
    return [
      `${subject} does not have the labels that Service ${name} selects: kubectl -n ${namespace} get pods --show-labels`,
    ];
  }
  if (isReady(pod)) return [];
  return [
    `${subject} is not ready: ${stateOf(pod)}`,
    `If it is to be found all the same, set publishNotReadyAddresses of Service ${name}`,
  ];
}

const selected = ({ metadata, spec }: Service, { pods }: ClusterView): Pod[] =>
  [...pods.values()].filter(
    (pod) =>
      pod.metadata.namespace === metadata.namespace &&
      spec.selector !== undefined &&
      matchesLabels(requirementsOfMap(spec.selector), pod.metadata.labels),
  );

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;

/** The first thing in its status that keeps it. */
function stateOf({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp) return 'it is being deleted';
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting);
  if (waiting) return `container ${waiting.name} is waiting: ${waiting.state?.waiting?.reason ?? 'no reason given'}`;
  const broken = status?.conditions?.find(({ status: value }) => value === 'False');
  return [`phase ${status?.phase ?? 'unknown'}`, broken?.message ?? broken?.reason].filter(Boolean).join(', ');
}
