import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type Client, obtainCertificate } from '../../client/mod.ts';
import { agentWish, renewalAtMs, saveCertificate, savedCertificate } from './client-certificate.ts';

export interface RotationOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stateDir: string;
  readonly nodeName: string;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly expirationSeconds?: number;
}

/** Timers know no more than 24 days. */
const longestSleepMs = 86_400_000;
const retryMs = 60_000;

/** Renews the agent's own certificate in time, with the one it still has; the client takes the new file up by itself. */
export function keepCertificate(options: RotationOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = rotate(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function rotate(options: RotationOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, stateDir, nodeName, expirationSeconds, random = Math.random } = options;
  let jitter = random();
  while (!signal.aborted) {
    const certificate = savedCertificate(stateDir, nodeName, clock);
    const waitMs = certificate ? renewalAtMs(certificate, jitter) - clock.now() : 0;
    if (waitMs > 0) {
      await sleep(clock, Math.min(waitMs, longestSleepMs), signal);
      continue;
    }
    try {
      const { certPem, keyPem } = await obtainCertificate(agentWish(nodeName, expirationSeconds), {
        ...{ client, clock, signal },
      });
      saveCertificate(stateDir, certPem, keyPem);
      jitter = random();
      log.info('Renewed the client certificate', { node: nodeName });
    } catch (error) {
      if (signal.aborted) return;
      log.warn('The client certificate is not renewed', { because: messageOf(error) });
      await sleep(clock, retryMs, signal);
    }
  }
}
