export { type NodeAgent, type NodeAgentDependencies, type NodeAgentOptions, startNodeAgent } from './agent.ts';
export { agentWish, certificateFile, saveCertificate, savedCertificate } from './identity/client-certificate.ts';
export { keepCertificate } from './identity/rotation.ts';
export { clusterVariable } from './runtime/process/launch.ts';
export { removeAccountMountPoint } from './runtime/process/mount-point.ts';
export { sandboxProcess } from './runtime/process/pod-directory.ts';
