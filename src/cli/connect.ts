import type { Clock } from '../base/clock.ts';
import { version } from '../base/version.ts';
import {
  type Client,
  createClient,
  http2Exchange,
  inClusterConfig,
  loadKubeconfig,
  type RequestObserver,
} from '../client/mod.ts';

/** A client for the cluster that a kubeconfig names. Throws UsageError when the file does not say enough. */
export function connect(kubeconfig: string, program: string, clock: Clock): Client {
  const config = loadKubeconfig(kubeconfig);
  return createClient({ ...http2Exchange({ ...config, clock }), userAgent: userAgent(program) });
}

export interface ApiAccess {
  /** Path; left out: without credentials when there is a `master`, else as a Pod of the cluster. */
  readonly kubeconfig?: string;
  /** URL that stands for the one in the kubeconfig. */
  readonly master?: string;
}

/** As kube-proxy finds its API server. Throws UsageError when there is not enough to go by. */
export function connectAsComponent(
  { kubeconfig, master }: ApiAccess,
  program: string,
  clock: Clock,
  observer?: RequestObserver,
): Client {
  const config = kubeconfig
    ? loadKubeconfig(kubeconfig)
    : master
      ? { server: master }
      : inClusterConfig({ environment: process.env });
  const server = master || config.server;
  const options = { ...config, server, clock, ...(observer && { observer }) };
  return createClient({ ...http2Exchange(options), userAgent: userAgent(program) });
}

const userAgent = (program: string): string => `${program}/${version}`;
