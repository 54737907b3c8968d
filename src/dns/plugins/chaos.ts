import {
  encodeReadyAnswer,
  keyText,
  recordClasses,
  recordTypes,
  responseCodes,
  txtRecord,
  wireOf,
} from '../../wire/dns/mod.ts';
import { otherClass } from '../chain/mod.ts';
import type { Plugin } from '../chain/port.ts';

export interface ChaosOptions {
  readonly version: string;
  readonly authors: readonly string[];
  readonly hostname: string;
}

/** Tells who this server is, in the class that nothing else uses (RFC 4892; plugin/chaos). */
export function createChaosPlugin({ version, authors, hostname }: ChaosOptions): Plugin {
  const texts: Readonly<Record<string, readonly string[]>> = {
    'version.bind.': [version],
    'version.server.': [version],
    'authors.bind.': authors,
    'hostname.bind.': [hostname],
    'id.server.': [hostname],
  };
  return (next) => (question) => {
    const { key, type, class: inClass } = question.query;
    if (inClass !== recordClasses.CH || type !== recordTypes.TXT) return next(question);
    const found = texts[keyText(key)];
    if (!found) return next(question);
    const name = wireOf(key);
    const records = found.map((text) => ({ ...txtRecord(name, text, 0), class: recordClasses.CH }));
    const response = { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true };
    return { kind: 'ready', from: 'chaos', response: { ...response, answer: encodeReadyAnswer(name, records) } };
  };
}

/** What comes from here on is about class IN. */
export const classPlugin: Plugin = (next) => (question) =>
  question.query.class === recordClasses.IN ? next(question) : otherClass;
