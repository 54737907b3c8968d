export { componentUser, controllerUser } from './authorization/users.ts';
export { serveHttps } from './front/https.ts';
export { readIfThere, writeAtomically } from './pki/files.ts';
export { ensureKubeconfig } from './pki/kubeconfig.ts';
export { ensurePki } from './pki/pki.ts';
export { type ApiServer, checkApiServerSettings, createApiServer } from './server.ts';
