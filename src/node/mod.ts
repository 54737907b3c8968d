export { type NodeAgent, type NodeAgentDependencies, type NodeAgentOptions, startNodeAgent } from './agent.ts';
export { clusterVariable } from './runtime/process/launch.ts';
export { sandboxProcess } from './runtime/process/pod-directory.ts';
