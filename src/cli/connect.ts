import type { Clock } from '../base/clock.ts';
import { version } from '../base/version.ts';
import { type Client, createClient, http2Exchange, loadKubeconfig } from '../client/mod.ts';

/** A client for the cluster that a kubeconfig names. Throws UsageError when the file does not say enough. */
export function connect(kubeconfig: string, program: string, clock: Clock): Client {
  const config = loadKubeconfig(kubeconfig);
  return createClient({ ...http2Exchange({ ...config, clock }), userAgent: `${program}/${version}` });
}
