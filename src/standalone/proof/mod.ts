import { messageOf } from '../../base/errors.ts';
import type { Check, ProofContext } from './context.ts';
import { proxyCrash, serverCrash } from './crashes.ts';
import { dnsChanges } from './dns-changes.ts';
import { loadBalancing } from './load-balancing.ts';
import { names, noPing } from './names.ts';
import { nodePort } from './node-port.ts';
import { podReplacement } from './pod-replacement.ts';
import { createSwitchable, readiness } from './readiness.ts';

export type { ProofContext } from './context.ts';

/** In the order in which they run; the ones that break things come last. */
const checks: readonly Check[] = [
  loadBalancing,
  names,
  noPing,
  podReplacement,
  readiness,
  nodePort,
  dnsChanges,
  proxyCrash,
  serverCrash,
];

export interface Verdict {
  readonly title: string;
  readonly passed: boolean;
  /** What was seen, or what did not hold. */
  readonly details: string;
}

/** Runs every check, also after one has failed, and tells each verdict as it is reached. */
export async function prove(context: ProofContext, onVerdict: (verdict: Verdict) => void): Promise<Verdict[]> {
  await createSwitchable(context);
  const verdicts: Verdict[] = [];
  for (const check of checks) {
    const verdict = await judge(check, context);
    verdicts.push(verdict);
    onVerdict(verdict);
  }
  return verdicts;
}

async function judge(check: Check, context: ProofContext): Promise<Verdict> {
  try {
    return { title: check.title, passed: true, details: await check.run(context) };
  } catch (error) {
    return { title: check.title, passed: false, details: messageOf(error) };
  }
}
