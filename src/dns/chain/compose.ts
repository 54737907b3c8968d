import { extendedErrors, responseCodes } from '../../wire/dns/mod.ts';
import type { Answer, Handler, Plugin } from './port.ts';

/** The first plugin is asked first; what none of them answers reaches `last`. */
export const compose = (plugins: readonly Plugin[], last: Handler): Handler =>
  plugins.reduceRight((next, plugin) => plugin(next), last);

/** An answer of nothing but a code, and with `error` the reason for those who speak EDNS. */
export const codeOnly = (rcode: number, error?: { readonly code: number; readonly text: string }): Answer => ({
  kind: 'ready',
  response: { rcode, authoritative: false, recursionAvailable: true, ...(error && { error }) },
});

const nobody = codeOnly(responseCodes.ServFail, { code: extendedErrors.Other, text: 'Nobody here answers such names' });

/** The end of a chain, where CoreDNS says SERVFAIL too. */
export const nobodyAnswers: Handler = () => nobody;

export const otherClass = codeOnly(responseCodes.Refused, {
  code: extendedErrors.NotSupported,
  text: 'Only class IN is served',
});

/** Aliases may lead to names that are rewritten to aliases, and so on. */
const deepest = 8;
const tooDeep = codeOnly(responseCodes.ServFail, {
  code: extendedErrors.Other,
  text: `A chain of more than ${deepest} aliases`,
});

/** The chain from its beginning on, for questions of our own that come up in it; `head` is there once it is put together. */
export const again =
  (head: () => Handler): Handler =>
  (question) =>
    (question.depth ?? 0) > deepest ? tooDeep : head()(question);
