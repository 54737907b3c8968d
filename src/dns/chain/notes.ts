import {
  type ExtendedError,
  extendedErrors,
  rcodeText,
  responseCodes,
  type UpstreamAnswer,
} from '../../wire/dns/mod.ts';
import type { Answer } from './port.ts';

/** Why the answer is what it is, for those who speak EDNS. */
export const errorOf = (answer: Answer): ExtendedError | undefined =>
  answer.kind === 'ready' ? answer.response.error : (answer.error ?? saidByResolver(answer.upstream));

/** Where the answer comes from: the plugin, then the resolver that it asked or whose answer it has kept. */
export function originOf(answer: Answer): string {
  const plugin = answer.from ?? 'server';
  return answer.kind === 'relayed' && answer.upstream.resolver ? `${plugin} ${answer.upstream.resolver}` : plugin;
}

/** Its own words where it has some; its name in any case, since ours is the only one that the client knows. */
function saidByResolver({ rcode, error, resolver = 'another resolver' }: UpstreamAnswer): ExtendedError | undefined {
  if (error) return { code: error.code, text: error.text === '' ? resolver : `${resolver}: ${error.text}` };
  if (rcode === responseCodes.NoError || rcode === responseCodes.NXDomain) return undefined;
  return { code: extendedErrors.Other, text: `${resolver} answered ${rcodeText(rcode)}` };
}
