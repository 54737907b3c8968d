import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';
import type { KubeConfig } from './kubeconfig.ts';

export interface InClusterOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the kubelet mounts the service account; default: its usual place. */
  readonly folder?: string;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * How a Pod reaches its cluster (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/): the `kubernetes`
 * Service by the environment, the token of the Pod's service account, and the cluster's CA. Throws UsageError outside of one.
 */
export function inClusterConfig({ environment, folder = serviceAccountFolder }: InClusterOptions): KubeConfig {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) {
    throw mistake('KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined');
  }
  const tokenFile = join(folder, 'token');
  if (!existsSync(tokenFile)) throw mistake(`${tokenFile} does not exist`);
  const caFile = join(folder, 'ca.crt');
  const namespaceFile = join(folder, 'namespace');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: readPem(caFile),
    tlsPaths: { ca: caFile },
    tokenFile,
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : 'default',
  };
}

function readPem(path: string): string {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    throw mistake(messageOf(error));
  }
  if (!pem.includes('-----BEGIN ')) throw mistake(`${path} holds no PEM block (-----BEGIN …)`);
  return pem;
}

const mistake = (state: string): UsageError =>
  new UsageError('Connect as a Pod of the cluster', state, 'Outside of a cluster, give a kubeconfig with --kubeconfig');
