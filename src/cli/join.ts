import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Clock, sleep } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { version } from '../base/version.ts';
import { createClient, http2Exchange, obtainCertificate } from '../client/mod.ts';
import { agentWish, certificateFile, saveCertificate, savedCertificate } from '../node/mod.ts';
import { discoverAuthority } from './join-discovery.ts';

export interface JoinFlags {
  readonly join: string;
  readonly token?: string;
  readonly caCertHash: readonly string[];
}

export interface JoinOptions extends JoinFlags {
  readonly stateDir: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Left out: as long as the signer gives. */
  readonly certificateSeconds?: number;
}

const retryMs = 2_000;

/**
 * Makes this machine's agent a member of the cluster: its own certificate and a kubeconfig, in the state folder. One that is
 * already there is used, and no token is needed. Returns the kubeconfig's path.
 */
export async function joinCluster(options: JoinOptions): Promise<string> {
  const { stateDir, nodeName, clock, log } = options;
  const kubeconfig = path.join(stateDir, 'node.kubeconfig');
  if (savedCertificate(stateDir, nodeName, clock) && existsSync(kubeconfig)) return kubeconfig;
  const { token, caCertHash } = options;
  if (token === undefined || caCertHash.length === 0)
    throw new UsageError(
      'Join the cluster',
      'this node has no certificate yet, and --token and --ca-cert-hash are not both given',
      'Get them with: signalbox token create --print-join-command',
    );
  const caPem = await untilDone(options, 'Waiting for the API server', () =>
    discoverAuthority({ server: options.join, token, caCertHashes: caCertHash }),
  );
  const { certPem, keyPem } = await untilDone(options, 'Waiting for a certificate', () => ask(options, token, caPem));
  saveCertificate(stateDir, certPem, keyPem);
  const caFile = path.join(stateDir, 'pki', 'ca.crt');
  writeFileSync(caFile, caPem, { mode: 0o644 });
  writeFileSync(kubeconfig, kubeconfigText(options.join, caFile, certificateFile(stateDir)), { mode: 0o600 });
  log.info('Joined the cluster', { node: nodeName, server: options.join });
  return kubeconfig;
}

async function ask(options: JoinOptions, token: string, caPem: string) {
  const { join, nodeName, clock, log, signal, certificateSeconds } = options;
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const { exchange, close } = http2Exchange({ server: join, ca: caPem, token, clock });
  const client = createClient({ exchange, userAgent: `signalbox-node/${version}` });
  const onWaiting = (name: string) => {
    log.info('The certificate waits for approval', { approve: `kubectl certificate approve ${name}` });
  };
  try {
    return await obtainCertificate(agentWish(nodeName, certificateSeconds), { client, clock, signal, onWaiting });
  } finally {
    await close();
  }
}

/** The API server may be starting, too. What it says for sure is not asked again. */
async function untilDone<Value>(
  { clock, log, signal }: JoinOptions,
  waiting: string,
  act: () => Promise<Value>,
): Promise<Value> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (isFinal(error) || signal.aborted) throw error;
      log.info(waiting, { because: messageOf(error) });
      await sleep(clock, retryMs, signal);
      signal.throwIfAborted();
    }
  }
}

const finalCodes = new Set(['forged', 'untrusted', 'denied']);

function isFinal(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && finalCodes.has(code);
}

/** JSON strings are YAML strings too. */
const kubeconfigText = (server: string, caFile: string, certificate: string) => `apiVersion: v1
kind: Config
current-context: node
clusters:
- name: cluster
  cluster:
    server: ${JSON.stringify(server)}
    certificate-authority: ${JSON.stringify(caFile)}
contexts:
- name: node
  context:
    cluster: cluster
    user: node
users:
- name: node
  user:
    client-certificate: ${JSON.stringify(certificate)}
    client-key: ${JSON.stringify(certificate)}
`;
