import { labelSelector, localObjectReference, templateMeta } from '../meta.ts';
import {
  any,
  atomic,
  boolean,
  integer,
  integer64,
  list,
  map,
  mergeList,
  object,
  quantity,
  required,
  retainKeys,
  string,
} from '../schema.ts';

const items = list(object({ key: required(string()), path: required(string()), mode: integer() }));
const downwardItems = list(
  object({
    path: required(string()),
    fieldRef: atomic(object({ apiVersion: string(), fieldPath: required(string()) })),
    resourceFieldRef: atomic(object({ containerName: string(), resource: required(string()), divisor: quantity() })),
    mode: integer(),
  }),
);

const projection = object({
  secret: object({ name: string(), items, optional: boolean() }),
  configMap: object({ name: string(), items, optional: boolean() }),
  downwardAPI: object({ items: downwardItems }),
  serviceAccountToken: object({ audience: string(), expirationSeconds: integer64(), path: required(string()) }),
  clusterTrustBundle: object({
    name: string(),
    signerName: string(),
    labelSelector,
    optional: boolean(),
    path: required(string()),
  }),
  podCertificate: any(),
});

const claimTemplate = object({
  metadata: templateMeta,
  spec: required(
    object({
      accessModes: list(string()),
      selector: labelSelector,
      resources: object({ limits: map(quantity()), requests: map(quantity()) }),
      volumeName: string(),
      storageClassName: string(),
      volumeMode: string(),
      dataSource: any(),
      dataSourceRef: any(),
      volumeAttributesClassName: string(),
    }),
  ),
});

/** corev1.Volume: exactly one source beside the name. Sources that no runtime here mounts are kept as they are. */
const volume = object({
  name: required(string()),
  emptyDir: object({ medium: string(), sizeLimit: quantity() }),
  hostPath: object({ path: required(string()), type: string() }),
  configMap: object({ name: string(), items, defaultMode: integer(), optional: boolean() }),
  secret: object({ secretName: string(), items, defaultMode: integer(), optional: boolean() }),
  projected: object({ sources: list(projection), defaultMode: integer() }),
  downwardAPI: object({ items: downwardItems, defaultMode: integer() }),
  persistentVolumeClaim: object({ claimName: required(string()), readOnly: boolean() }),
  nfs: object({ server: required(string()), path: required(string()), readOnly: boolean() }),
  csi: object({
    driver: required(string()),
    readOnly: boolean(),
    fsType: string(),
    volumeAttributes: map(string()),
    nodePublishSecretRef: localObjectReference,
  }),
  ephemeral: object({ volumeClaimTemplate: claimTemplate }),
  image: object({ reference: string(), pullPolicy: string() }),
  awsElasticBlockStore: any(),
  azureDisk: any(),
  azureFile: any(),
  cephfs: any(),
  cinder: any(),
  fc: any(),
  flexVolume: any(),
  flocker: any(),
  gcePersistentDisk: any(),
  gitRepo: any(),
  glusterfs: any(),
  iscsi: any(),
  photonPersistentDisk: any(),
  portworxVolume: any(),
  quobyte: any(),
  rbd: any(),
  scaleIO: any(),
  storageos: any(),
  vsphereVolume: any(),
});

export const volumes = mergeList(retainKeys(volume), 'name');
