import { labelSelector, localObjectReference, templateMeta, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  any,
  atomic,
  boolean,
  filled,
  integer,
  integer64,
  intOrString,
  keyDefault,
  list,
  map,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  retainKeys,
  type StoredOf,
  string,
  time,
} from '../schema.ts';
import { affinity } from './affinity.ts';
import { podSecurityContext, securityContext } from './security.ts';
import { volumes } from './volume.ts';

const execAction = object({ command: list(string()) });
const httpGetAction = object({
  path: string(),
  port: required(intOrString()),
  host: string(),
  scheme: oneOf('HTTP', 'HTTPS'),
  httpHeaders: list(object({ name: required(string()), value: required(string()) })),
});
const tcpSocketAction = object({ port: required(intOrString()), host: string() });

/** corev1.Probe; times are whole seconds. */
export const probe = object({
  exec: execAction,
  httpGet: httpGetAction,
  tcpSocket: tcpSocketAction,
  grpc: object({ port: required(integer()), service: string() }),
  initialDelaySeconds: integer(),
  timeoutSeconds: filled(integer()),
  periodSeconds: filled(integer()),
  successThreshold: filled(integer()),
  failureThreshold: filled(integer()),
  terminationGracePeriodSeconds: integer64(),
});
export type Probe = StoredOf<typeof probe>;

const lifecycleHandler = object({
  exec: execAction,
  httpGet: httpGetAction,
  tcpSocket: tcpSocketAction,
  sleep: object({ seconds: required(integer64()) }),
});

const keySelector = atomic(object({ name: string(), key: required(string()), optional: boolean() }));

export const envVar = object({
  name: required(string()),
  value: string(),
  valueFrom: object({
    fieldRef: atomic(object({ apiVersion: string(), fieldPath: required(string()) })),
    resourceFieldRef: atomic(object({ containerName: string(), resource: required(string()), divisor: quantity() })),
    configMapKeyRef: keySelector,
    secretKeyRef: keySelector,
    fileKeyRef: any(),
  }),
});

const resourceRequirements = object({
  limits: map(quantity()),
  requests: map(quantity()),
  claims: mergeList(object({ name: required(string()), request: string() }), 'name'),
});

export const containerPort = object({
  name: string(),
  hostPort: integer(),
  containerPort: required(integer()),
  protocol: filled(keyDefault(oneOf('TCP', 'UDP', 'SCTP'), 'TCP')),
  hostIP: string(),
});

const containerFields = {
  name: required(string()),
  image: string(),
  command: list(string()),
  args: list(string()),
  workingDir: string(),
  ports: mergeList(containerPort, 'containerPort', 'protocol'),
  envFrom: list(
    object({
      prefix: string(),
      configMapRef: object({ name: string(), optional: boolean() }),
      secretRef: object({ name: string(), optional: boolean() }),
    }),
  ),
  env: mergeList(envVar, 'name'),
  resources: resourceRequirements,
  resizePolicy: list(object({ resourceName: required(string()), restartPolicy: required(string()) })),
  restartPolicy: string(),
  restartPolicyRules: list(any()),
  volumeMounts: mergeList(
    object({
      name: required(string()),
      readOnly: boolean(),
      recursiveReadOnly: string(),
      mountPath: required(string()),
      subPath: string(),
      mountPropagation: string(),
      subPathExpr: string(),
    }),
    'mountPath',
  ),
  volumeDevices: mergeList(object({ name: required(string()), devicePath: required(string()) }), 'devicePath'),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: object({ postStart: lifecycleHandler, preStop: lifecycleHandler, stopSignal: string() }),
  terminationMessagePath: string(),
  terminationMessagePolicy: oneOf('File', 'FallbackToLogsOnError'),
  imagePullPolicy: oneOf('Always', 'Never', 'IfNotPresent'),
  securityContext,
  stdin: boolean(),
  stdinOnce: boolean(),
  tty: boolean(),
};

export const container = object(containerFields);
export type Container = StoredOf<typeof container>;

const ephemeralContainer = object({ ...containerFields, targetContainerName: string() });

export const podSpec = object({
  volumes,
  initContainers: mergeList(container, 'name'),
  containers: required(mergeList(container, 'name')),
  ephemeralContainers: mergeList(ephemeralContainer, 'name'),
  restartPolicy: filled(oneOf('Always', 'OnFailure', 'Never')),
  terminationGracePeriodSeconds: filled(integer64()),
  activeDeadlineSeconds: integer64(),
  dnsPolicy: filled(oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None')),
  nodeSelector: atomic(map(string())),
  serviceAccountName: string(),
  serviceAccount: string(),
  automountServiceAccountToken: boolean(),
  nodeName: string(),
  hostNetwork: boolean(),
  hostPID: boolean(),
  hostIPC: boolean(),
  hostUsers: boolean(),
  shareProcessNamespace: boolean(),
  securityContext: podSecurityContext,
  imagePullSecrets: mergeList(localObjectReference, 'name'),
  hostname: string(),
  hostnameOverride: string(),
  subdomain: string(),
  setHostnameAsFQDN: boolean(),
  affinity,
  schedulerName: string(),
  tolerations: list(
    object({
      key: string(),
      operator: oneOf('Exists', 'Equal'),
      value: string(),
      effect: string(),
      tolerationSeconds: integer64(),
    }),
  ),
  hostAliases: mergeList(object({ ip: required(string()), hostnames: list(string()) }), 'ip'),
  priorityClassName: string(),
  priority: integer(),
  preemptionPolicy: string(),
  dnsConfig: object({
    nameservers: list(string()),
    searches: list(string()),
    options: list(object({ name: string(), value: string() })),
  }),
  readinessGates: list(object({ conditionType: required(string()) })),
  runtimeClassName: string(),
  enableServiceLinks: boolean(),
  overhead: map(quantity()),
  topologySpreadConstraints: mergeList(
    object({
      maxSkew: required(integer()),
      topologyKey: required(string()),
      whenUnsatisfiable: required(string()),
      labelSelector,
      minDomains: integer(),
      nodeAffinityPolicy: string(),
      nodeTaintsPolicy: string(),
      matchLabelKeys: list(string()),
    }),
    'topologyKey',
    'whenUnsatisfiable',
  ),
  os: object({ name: required(string()) }),
  schedulingGates: mergeList(object({ name: required(string()) }), 'name'),
  resourceClaims: mergeList(
    retainKeys(object({ name: required(string()), resourceClaimName: string(), resourceClaimTemplateName: string() })),
    'name',
  ),
  resources: resourceRequirements,
  workloadRef: any(),
});
export type PodSpec = StoredOf<typeof podSpec>;

const containerState = object({
  waiting: object({ reason: string(), message: string() }),
  running: object({ startedAt: time() }),
  terminated: object({
    exitCode: required(integer()),
    signal: integer(),
    reason: string(),
    message: string(),
    startedAt: time(),
    finishedAt: time(),
    containerID: string(),
  }),
});
export type ContainerState = StoredOf<typeof containerState>;

export const containerStatus = object({
  name: required(string()),
  state: containerState,
  lastState: containerState,
  ready: required(boolean()),
  restartCount: required(integer()),
  image: required(string()),
  imageID: required(string()),
  containerID: string(),
  started: boolean(),
  allocatedResources: map(quantity()),
  resources: resourceRequirements,
  volumeMounts: mergeList(
    object({
      name: required(string()),
      mountPath: required(string()),
      readOnly: boolean(),
      recursiveReadOnly: string(),
    }),
    'mountPath',
  ),
  user: any(),
  allocatedResourcesStatus: mergeList(any(), 'name'),
  stopSignal: string(),
});
export type ContainerStatus = StoredOf<typeof containerStatus>;

export const podCondition = object({
  type: required(string()),
  status: required(oneOf('True', 'False', 'Unknown')),
  observedGeneration: integer64(),
  lastProbeTime: time(),
  lastTransitionTime: time(),
  reason: string(),
  message: string(),
});
export type PodCondition = StoredOf<typeof podCondition>;

export const podStatus = object({
  observedGeneration: integer64(),
  phase: oneOf('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
  conditions: mergeList(podCondition, 'type'),
  message: string(),
  reason: string(),
  nominatedNodeName: string(),
  hostIP: string(),
  hostIPs: list(object({ ip: required(string()) })),
  podIP: string(),
  podIPs: mergeList(object({ ip: required(string()) }), 'ip'),
  startTime: time(),
  initContainerStatuses: list(containerStatus),
  containerStatuses: list(containerStatus),
  ephemeralContainerStatuses: list(containerStatus),
  qosClass: string(),
  resize: string(),
  resourceClaimStatuses: mergeList(any(), 'name'),
  extendedResourceClaimStatus: any(),
  allocatedResources: map(quantity()),
  resources: resourceRequirements,
});
export type PodStatus = StoredOf<typeof podStatus>;

export const podTemplate = object({ metadata: templateMeta, spec: required(podSpec) });

export const Pod = defineResource(
  {
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    categories: ['all'],
    subresources: ['status', 'binding'],
  },
  object({ ...typeAndMeta, spec: required(podSpec), status: podStatus }),
);
export type Pod = NonNullable<(typeof Pod)['_stored']>;
