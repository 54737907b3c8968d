export { createKubernetesPlugin, type KubernetesOptions } from './kubernetes.ts';
