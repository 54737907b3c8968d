import { parseAllDocuments } from 'yaml';
import type { EndpointSlice, KubeObject, Namespace, Pod, Service } from '../../kube/mod.ts';
import type { DnsInformers } from '../cluster-source.ts';
import { FakeInformer } from './fake-informer.ts';

/** A cluster with one of everything that DNS treats differently. */
export const clusterYaml = `
kind: Namespace
metadata: { name: default }
---
kind: Namespace
metadata: { name: empty }
---
kind: Service
metadata: { namespace: default, name: kubernetes }
spec: { type: ClusterIP, clusterIP: 10.96.0.1, ports: [{ name: https, port: 443, protocol: TCP }] }
---
kind: Service
metadata: { namespace: kube-system, name: kube-dns }
spec:
  type: ClusterIP
  clusterIP: 10.96.0.10
  ports: [{ name: dns, port: 53, protocol: UDP }, { name: dns-tcp, port: 53, protocol: TCP }]
---
kind: Service
metadata: { namespace: default, name: web }
spec: { type: ClusterIP, clusterIP: 10.96.1.1, ports: [{ name: http, port: 80, protocol: TCP }, { port: 81, protocol: TCP }] }
---
kind: EndpointSlice
metadata: { namespace: default, name: web-1, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080, protocol: TCP }]
endpoints: [{ addresses: [10.244.1.5] }]
---
kind: Service
metadata: { namespace: default, name: dual }
spec: { type: ClusterIP, clusterIP: 10.96.1.2, clusterIPs: [10.96.1.2, 'fd00:96::2'], ports: [{ name: http, port: 80, protocol: TCP }] }
---
kind: Service
metadata: { namespace: default, name: six }
spec: { type: ClusterIP, clusterIP: 'fd00:96::6', clusterIPs: ['fd00:96::6'], ports: [{ port: 80, protocol: TCP }] }
---
kind: Service
metadata: { namespace: default, name: db }
spec: { type: ClusterIP, clusterIP: None, ports: [{ name: pg, port: 5432, protocol: TCP }, { port: 9, protocol: TCP }] }
---
kind: EndpointSlice
metadata: { namespace: default, name: db-1, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: pg, port: 15432, protocol: TCP }, { port: 9, protocol: TCP }]
endpoints:
  - { addresses: [10.244.1.10], hostname: db-0, conditions: { ready: true } }
  - { addresses: [10.244.2.10], hostname: db-1, conditions: { ready: true } }
  - { addresses: [10.244.3.10], hostname: db-2, conditions: { ready: false } }
---
kind: EndpointSlice
metadata: { namespace: default, name: db-2, labels: { kubernetes.io/service-name: db } }
addressType: IPv6
ports: [{ name: pg, port: 15432, protocol: TCP }]
endpoints: [{ addresses: ['fd00:244:1::10'] }]
---
kind: Service
metadata: { namespace: default, name: starting }
spec: { type: ClusterIP, clusterIP: None, ports: [{ name: http, port: 80, protocol: TCP }] }
---
kind: EndpointSlice
metadata: { namespace: default, name: starting-1, labels: { kubernetes.io/service-name: starting } }
addressType: IPv4
ports: [{ name: http, port: 80, protocol: TCP }]
endpoints: [{ addresses: [10.244.1.20], conditions: { ready: false } }]
---
kind: Service
metadata: { namespace: default, name: eager }
spec: { type: ClusterIP, clusterIP: None, publishNotReadyAddresses: true, ports: [] }
---
kind: EndpointSlice
metadata: { namespace: default, name: eager-1, labels: { kubernetes.io/service-name: eager } }
addressType: IPv4
ports: [{ name: x, port: 7, protocol: TCP }]
endpoints: [{ addresses: [10.244.1.30], hostname: eager-0, conditions: { ready: false } }]
---
kind: Service
metadata: { namespace: default, name: outside }
spec: { type: ExternalName, externalName: www.example.com }
---
kind: Service
metadata: { namespace: default, name: alias }
spec: { type: ExternalName, externalName: Web.Default.svc.cluster.local. }
---
kind: Service
metadata: { namespace: default, name: ping }
spec: { type: ExternalName, externalName: pong.default.svc.cluster.local }
---
kind: Service
metadata: { namespace: default, name: pong }
spec: { type: ExternalName, externalName: ping.default.svc.cluster.local }
---
kind: Service
metadata: { namespace: default, name: nowhere }
spec: { type: ExternalName, externalName: gone.default.svc.cluster.local }
---
kind: Service
metadata: { namespace: default, name: address }
spec: { type: ExternalName, externalName: 192.0.2.7 }
---
kind: Pod
metadata: { namespace: default, name: web-x }
spec: {}
status: { phase: Running, podIP: 10.244.1.5, podIPs: [{ ip: 10.244.1.5 }, { ip: 'fd00:244:1::5' }] }
---
kind: Pod
metadata: { namespace: default, name: done }
spec: {}
status: { phase: Succeeded, podIP: 10.244.1.6 }
`;

/** Objects of one document each. They lack what DNS does not look at. */
export const parseObjects = (yaml: string): KubeObject[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject);

/** Informers over these objects; `finishSync` ends their first listing. */
export function fakeInformers(objects: readonly KubeObject[] = []) {
  const ofKind = <S extends KubeObject>(kind: string) =>
    new FakeInformer<S>(objects.filter((object): object is S => object.kind === kind));
  const informers = {
    services: ofKind<Service>('Service'),
    endpointSlices: ofKind<EndpointSlice>('EndpointSlice'),
    namespaces: ofKind<Namespace>('Namespace'),
    pods: ofKind<Pod>('Pod'),
  } satisfies DnsInformers;
  const finishSync = () => {
    for (const informer of Object.values(informers)) informer.finishSync();
  };
  return { ...informers, finishSync };
}
