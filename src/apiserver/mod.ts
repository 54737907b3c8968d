export { readSigningKeys } from './authentication/signing-keys.ts';
export { readStaticTokens } from './authentication/static-tokens.ts';
export { componentUser, controllerUser } from './authorization/users.ts';
export { serveHttps } from './front/https.ts';
export { readIfThere, writeAtomically } from './pki/files.ts';
export { ensureKubeconfig } from './pki/kubeconfig.ts';
export { ensurePki, ensureSigningKey } from './pki/pki.ts';
export { requestSigner } from './pki/requests.ts';
export { type ApiServer, checkApiServerSettings, createApiServer } from './server.ts';
