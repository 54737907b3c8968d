import type { container, podSpec, probe } from '../kinds/pod.ts';
import type { GivenOf } from '../schema.ts';
import { setDefaults } from './set-default.ts';

type PodSpec = GivenOf<typeof podSpec>;
type Container = GivenOf<typeof container>;
type Probe = GivenOf<typeof probe>;
type Volume = NonNullable<PodSpec['volumes']>[number];

/** What upstream fills in for a Pod and for a template alike. */
export function defaultPodSpec(spec: PodSpec): void {
  setDefaults(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    securityContext: {},
  });
  pairServiceAccount(spec);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of containersOf(spec)) defaultContainer(container, spec.hostNetwork === true);
}

/** What upstream fills in for a Pod only; the service account is its ServiceAccount admission's default. */
export function defaultPod(spec: PodSpec): void {
  setDefaults(spec, { enableServiceLinks: true, serviceAccountName: 'default', serviceAccount: 'default' });
  for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
  }
}

const containersOf = (spec: PodSpec): Container[] => [
  ...(spec.initContainers ?? []),
  ...(spec.containers ?? []),
  ...(spec.ephemeralContainers ?? []),
];

/** `serviceAccount` is the field's older name; both are served. */
function pairServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

function defaultContainer(container: Container, hostNetwork: boolean): void {
  setDefaults(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicyOf(container.image ?? ''),
  });
  for (const port of container.ports ?? []) {
    setDefaults(port, { protocol: 'TCP' });
    if (hostNetwork && !port.hostPort) port.hostPort = port.containerPort;
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) setDefaults(valueFrom.fieldRef, { apiVersion: 'v1' });
    if (valueFrom?.resourceFieldRef) setDefaults(valueFrom.resourceFieldRef, { divisor: '0' });
  }
  for (const each of [container.livenessProbe, container.readinessProbe, container.startupProbe]) defaultProbe(each);
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) defaultHttpGet(handler);
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return;
  defaultHttpGet(probe);
  if (probe.grpc) setDefaults(probe.grpc, { service: '' });
  // Zero counts as not given, as Go cannot tell the two apart.
  for (const [name, value] of probeDefaults) probe[name] ||= value;
}

const probeDefaults = [
  ['timeoutSeconds', 1],
  ['periodSeconds', 10],
  ['successThreshold', 1],
  ['failureThreshold', 3],
] as const;

function defaultHttpGet(handler: { httpGet?: Probe['httpGet'] } | undefined): void {
  if (handler?.httpGet) setDefaults(handler.httpGet, { path: '/', scheme: 'HTTP' });
}

/** A tag that moves is pulled every time; a fixed tag or digest once. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const name = image.slice(image.lastIndexOf('/') + 1);
  if (name.includes('@')) return 'IfNotPresent';
  const colon = name.indexOf(':');
  return colon < 0 || name.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent';
}

/** 0644, as a decimal number on the wire. */
const fileMode = 0o644;

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((name) => name === 'name')) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source) setDefaults(source, { defaultMode: fileMode });
  }
  if (volume.hostPath) setDefaults(volume.hostPath, { type: '' });
  for (const { serviceAccountToken } of volume.projected?.sources ?? []) {
    if (serviceAccountToken) setDefaults(serviceAccountToken, { expirationSeconds: 3600 });
  }
}
