export { serveHttps } from './front/https.ts';
export { ensureKubeconfig } from './pki/kubeconfig.ts';
export { ensurePki } from './pki/pki.ts';
export { checkApiServerSettings, createApiServer } from './server.ts';
