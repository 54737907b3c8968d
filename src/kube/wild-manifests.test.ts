import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { allResources, applyDefaults, type KubeInput, resourceByKind, validateObject, validateSchema } from './mod.ts';

/** Manifests as people write them, with every corner of the Pod spec that charts are fond of. */
const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: coredns
  namespace: kube-system
  creationTimestamp: null
  labels: {k8s-app: kube-dns, kubernetes.io/name: "CoreDNS"}
spec:
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}
  selector: {matchLabels: {k8s-app: kube-dns}}
  template:
    metadata:
      creationTimestamp: null
      labels: {k8s-app: kube-dns}
    spec:
      priorityClassName: system-cluster-critical
      serviceAccountName: coredns
      tolerations:
      - {key: CriticalAddonsOnly, operator: Exists}
      - {key: node-role.kubernetes.io/control-plane, effect: NoSchedule}
      nodeSelector: {kubernetes.io/os: linux}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            podAffinityTerm:
              labelSelector: {matchExpressions: [{key: k8s-app, operator: In, values: [kube-dns]}]}
              topologyKey: kubernetes.io/hostname
      containers:
      - name: coredns
        image: registry.k8s.io/coredns/coredns:v1.11.1
        resources: {limits: {memory: 170Mi}, requests: {cpu: 100m, memory: 70Mi}}
        args: ["-conf", "/etc/coredns/Corefile"]
        volumeMounts: [{name: config-volume, mountPath: /etc/coredns, readOnly: true}]
        ports:
        - {containerPort: 53, name: dns, protocol: UDP}
        - {containerPort: 53, name: dns-tcp, protocol: TCP}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}
          readOnlyRootFilesystem: true
        livenessProbe: {httpGet: {path: /health, port: 8080, scheme: HTTP}, initialDelaySeconds: 60, timeoutSeconds: 5}
        readinessProbe: {httpGet: {path: /ready, port: 8181}}
      dnsPolicy: Default
      volumes:
      - name: config-volume
        configMap: {name: coredns, items: [{key: Corefile, path: Corefile}]}
status: {}
---
apiVersion: v1
kind: Pod
metadata: {name: everything, namespace: default, annotations: {prometheus.io/scrape: "true"}}
spec:
  automountServiceAccountToken: false
  shareProcessNamespace: true
  hostAliases: [{ip: 10.1.2.3, hostnames: [foo.local]}]
  imagePullSecrets: [{name: regcred}]
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    fsGroup: 2000
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
    sysctls: [{name: net.core.somaxconn, value: "1024"}]
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {a: b}}}
  initContainers:
  - {name: proxy, image: "mesh:1", restartPolicy: Always, startupProbe: {grpc: {port: 9000}}}
  - {name: wait, image: "busybox:1.36", command: [sh, -c, "true"]}
  containers:
  - name: app
    image: app@sha256:0000
    workingDir: /srv
    tty: true
    stdin: true
    envFrom: [{configMapRef: {name: env, optional: true}}, {secretRef: {name: env}, prefix: S_}]
    env:
    - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
    - {name: KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}
    resources: {limits: {cpu: 2, memory: 1.5Gi, ephemeral-storage: 1Gi}, requests: {cpu: 0.5}}
    lifecycle: {preStop: {exec: {command: [sleep, "5"]}}, postStart: {httpGet: {port: http, path: /up}}}
    ports: [{name: http, containerPort: 8080, hostIP: 127.0.0.1, hostPort: 8080}]
    volumeMounts:
    - {name: all, mountPath: /all, mountPropagation: HostToContainer}
    - {name: scratch, mountPath: /tmp, subPathExpr: $(POD_IP)}
    - {name: claim, mountPath: /data}
    volumeDevices: [{name: raw, devicePath: /dev/xvda}]
  volumes:
  - name: all
    projected:
      defaultMode: 0400
      sources:
      - serviceAccountToken: {path: token, audience: api}
      - configMap: {name: ca, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: ns, fieldRef: {fieldPath: metadata.namespace}}]}
  - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
  - {name: claim, persistentVolumeClaim: {claimName: data}}
  - {name: raw, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}
  - {name: host, hostPath: {path: /var/log, type: DirectoryOrCreate}}
  - {name: csi, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: x}}}
  - {name: nfs, nfs: {server: nas, path: /x}}
  - {name: old, iscsi: {targetPortal: "10.0.0.1:3260", iqn: iqn.2001-04.com.example:x, lun: 0}}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: default
  annotations: {service.beta.kubernetes.io/aws-load-balancer-type: nlb}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  internalTrafficPolicy: Cluster
  ipFamilyPolicy: PreferDualStack
  loadBalancerSourceRanges: [10.0.0.0/8]
  sessionAffinity: ClientIP
  trafficDistribution: PreferClose
  publishNotReadyAddresses: true
  selector: {app.kubernetes.io/name: web}
  ports:
  - {name: http, port: 80, targetPort: http, appProtocol: kubernetes.io/h2c, nodePort: 30080}
  - {name: https, port: 443, targetPort: 8443}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, appProtocol: http, protocol: TCP, port: 80}]
endpoints:
- addresses: [10.1.2.3]
  conditions: {ready: true}
  hostname: pod-1
  nodeName: node-1
  zone: us-west2-a
  hints: {forZones: [{name: us-west2-a}]}
---
apiVersion: v1
kind: Secret
metadata: {name: tls, namespace: default}
type: kubernetes.io/tls
stringData: {tls.crt: some, tls.key: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: coredns, namespace: kube-system}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: node-1, namespace: kube-node-lease}
spec: {holderIdentity: node-1, leaseDurationSeconds: 40, renewTime: "2026-01-01T00:00:00.000000Z"}
`;

for (const document of parseAllDocuments(manifests)) {
  const manifest = document.toJS() as KubeInput & object;
  const { apiVersion, kind, metadata } = manifest;
  test(`${kind} ${metadata?.name} is taken as it is`, () => {
    const resource = resourceByKind(apiVersion!, kind!)!;
    assert.deepEqual(validateSchema(resource.schema, manifest), { errors: [], unknown: [] });
    const filled = applyDefaults(resource, manifest);
    assert.deepEqual(validateObject(resource, filled), []);
    assert.deepEqual(validateSchema(resource.schema, filled), { errors: [], unknown: [] });
  });
}

test('what nobody understands is refused without a crash, whatever the kind', () => {
  for (const resource of allResources) {
    for (const spec of [null, 1, 'x', [], {}]) {
      const { errors } = validateSchema(resource.schema, { spec, metadata: spec });
      if (errors.length === 0) validateObject(resource, applyDefaults(resource, { spec, metadata: spec } as KubeInput));
    }
  }
});
