import { recordTypes, responseCodes } from '../../../wire/dns/mod.ts';
import { codeOnly } from '../../chain/mod.ts';
import type { Answer, Plugin } from '../../chain/port.ts';
import type { ZoneName } from '../../zone/mod.ts';
import { refusedAny } from '../any.ts';
import { isWithinAny, zoneKeys } from '../zones.ts';
import type { HostsFile } from './hosts-file.ts';

export interface HostsPluginOptions {
  readonly file: HostsFile;
  readonly zones: readonly string[];
  readonly ttlSeconds: number;
  /** Names in these zones that no line has are the next handler's. */
  readonly fallthrough: readonly string[] | undefined;
}

/**
 * Answers names that a hosts file has. The others are the next handler's only where `fallthrough` says so; reverse names
 * that the file does not have always are (plugin/hosts/hosts.go).
 */
export function createHostsPlugin(options: HostsPluginOptions): Plugin {
  const { file, ttlSeconds } = options;
  const zones = zoneKeys(options.zones);
  const fallthrough = zoneKeys(options.fallthrough ?? []);
  return (next) => (question) => {
    const { key, type } = question.query;
    if (type === recordTypes.PTR) {
      const pointer = file.names.pointer(key);
      return pointer ? answerOf(pointer, type) : next(question);
    }
    if (!isWithinAny(key, zones)) return next(question);
    const name = file.names.name(key);
    if (name) return type === recordTypes.ANY ? refusedAny(key, ttlSeconds, true) : answerOf(name, type);
    return isWithinAny(key, fallthrough) ? next(question) : missing;
  };
}

/** There is no SOA record to deny a name with, so CoreDNS says SERVFAIL. */
const missing: Answer = {
  ...codeOnly(responseCodes.ServFail, { code: 0, text: 'No line of the hosts file has this name, and no fallthrough' }),
  from: 'hosts',
};

function answerOf(name: ZoneName, type: number): Answer {
  const answer = name.answer(type);
  const response = { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true };
  return { kind: 'ready', from: 'hosts', response: answer ? { ...response, answer } : response };
}
