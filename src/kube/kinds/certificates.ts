import { typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  bytes,
  integer,
  list,
  map,
  mergeList,
  object,
  oneOf,
  required,
  type StoredOf,
  string,
  time,
} from '../schema.ts';

const keyUsage = oneOf(
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
);

export const signingCondition = object({
  type: required(string()),
  status: required(oneOf('True', 'False', 'Unknown')),
  reason: string(),
  message: string(),
  lastUpdateTime: time(),
  lastTransitionTime: time(),
});
export type SigningCondition = StoredOf<typeof signingCondition>;

/** A certificate that somebody asks for; who asks is written in by the server. */
export const CertificateSigningRequest = defineResource(
  {
    group: 'certificates.k8s.io',
    kind: 'CertificateSigningRequest',
    plural: 'certificatesigningrequests',
    shortNames: ['csr'],
    namespaced: false,
    subresources: ['status'],
  },
  object({
    ...typeAndMeta,
    spec: required(
      object({
        request: required(bytes()),
        signerName: required(string()),
        expirationSeconds: integer(),
        usages: list(keyUsage),
        username: string(),
        uid: string(),
        groups: list(string()),
        extra: map(list(string())),
      }),
    ),
    status: object({ conditions: mergeList(signingCondition, 'type'), certificate: bytes() }),
  }),
);
export type CertificateSigningRequest = NonNullable<(typeof CertificateSigningRequest)['_stored']>;
