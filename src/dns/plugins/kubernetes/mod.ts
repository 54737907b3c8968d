export { createKubernetesPlugin } from './kubernetes.ts';
