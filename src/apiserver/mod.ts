export { type HttpsFront, type HttpsOptions, serveHttps } from './front/https.ts';
export type { KeyPair, Subject } from './pki/issue.ts';
export {
  type EnsureKubeconfigOptions,
  ensureKubeconfig,
  type KubeconfigOptions,
  writeKubeconfig,
} from './pki/kubeconfig.ts';
export { ensurePki, issueClientCertificate, type Pki, type PkiOptions } from './pki/pki.ts';
export { type ApiServer, type ApiServerOptions, createApiServer } from './server.ts';
