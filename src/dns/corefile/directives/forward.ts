import { UsageError } from '../../../base/errors.ts';
import { responseCodes } from '../../../wire/dns/mod.ts';
import {
  forwardingDefaults,
  namesFile,
  parseHostTarget,
  parseUpstream,
  type UpstreamTarget,
} from '../../forward/mod.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { ForwardDirective } from '../options.ts';
import type { Token } from '../token.ts';
import { readZone, readZones } from '../zones.ts';

const mostTargets = 15;
const codesByName: ReadonlyMap<string, number> = new Map(
  Object.entries({ ...responseCodes, ServerFailure: responseCodes.ServFail }).map(([name, code]) => [
    name.toUpperCase(),
    code,
  ]),
);

type Found = { -readonly [Name in keyof ForwardDirective]: ForwardDirective[Name] };
type Table = Record<string, (property: Words) => void>;

/** https://coredns.io/plugins/forward/ */
export function readForward(words: Words): ForwardDirective {
  const from = readZone(words.next('the zone to forward'))[0]!;
  const targets = words.rest(1, 'a resolver to forward to');
  if (targets[mostTargets]) throw mistake(targets[mostTargets], `more than ${mostTargets} resolvers`);
  const to = targets.map(readTarget);
  const found: Found = { ...forwardingDefaults, from, to, except: [], next: [], nextOnNoData: false };
  words.properties({ ...whom(found), ...how(found), ...whenItFails(found) });
  if (found.maxAgeMs > 0 && found.maxAgeMs < found.expireMs) {
    throw mistake(words.name, `max_age of forward (${found.maxAgeMs} ms) is less than expire (${found.expireMs} ms)`);
  }
  checkServerNames(found, targets);
  return found;
}

const whom = (found: Found): Table => ({
  except: (property) => {
    found.except = [...found.except, ...readZones(property.rest(1, 'a zone that is not forwarded'))];
  },
  policy: (property) => {
    found.policy = property.oneOf(['random', 'round_robin', 'sequential']);
  },
  resolver: (property) => {
    found.resolvers = property.rest(1, 'an address').map(readResolver);
  },
  resolve_interval: (property) => {
    found.resolveIntervalMs = property.durationMs(1000);
  },
});

const how = (found: Found): Table => ({
  force_tcp: () => {
    found.forceTcp = true;
  },
  prefer_udp: () => {
    found.preferUdp = true;
  },
  tls: (property) => {
    found.tls = { ...found.tls, ...readTlsFiles(property) };
  },
  tls_servername: (property) => {
    found.tls = { ...found.tls, serverName: property.next('a name').text };
  },
  doh_method: (property) => {
    found.dohMethod = property.oneOf(['GET', 'POST']);
  },
  expire: (property) => {
    found.expireMs = property.durationMs();
  },
  max_age: (property) => {
    found.maxAgeMs = property.durationMs();
  },
  max_idle_conns: (property) => {
    found.maxIdleConnections = property.wholeNumber(0) || undefined;
  },
  max_concurrent: (property) => {
    found.maxConcurrent = property.wholeNumber(0) || undefined;
  },
});

const whenItFails = (found: Found): Table => ({
  max_fails: (property) => {
    found.maxFails = property.wholeNumber(0);
  },
  health_check: (property) => {
    found.healthCheck = readHealthCheck(property);
  },
  max_connect_attempts: (property) => {
    found.maxConnectAttempts = property.wholeNumber(0);
  },
  next: (property) => {
    found.next = property.rest(1, 'a response code').map(readCode);
  },
  next_on_nodata: () => {
    found.nextOnNoData = true;
  },
  failover: (property) => {
    found.failover = property.rest(1, 'a response code').map(readFailure);
  },
  failfast_all_unhealthy_upstreams: () => {
    found.failfastAllUnhealthy = true;
  },
});

/** An address or a name, which is written as it came but for `dns://`, or the path of a file. */
function readTarget(token: Token): string {
  const text = token.text.replace(/^dns:\/\//, '');
  if (namesFile(text)) return text;
  const [, transport] = /^([a-z0-9]+):\/\//.exec(text) ?? [];
  if (transport !== undefined && transport !== 'tls' && transport !== 'https') {
    throw mistake(token, `${token.text}: resolvers are asked over plain DNS, TLS and HTTPS only`);
  }
  if (!parseHostTarget(text)) addressOf(token, text, 'is neither an address, nor a name, nor the path of a file');
  return text;
}

function readResolver(token: Token): string {
  const state = 'is not an address of who is asked for the names of resolvers';
  const { transport } = addressOf(token, token.text, state);
  if (transport !== 'dns') throw mistake(token, `${JSON.stringify(token.text)} ${state}`);
  return token.text;
}

function addressOf(token: Token, text: string, state: string): UpstreamTarget {
  try {
    return parseUpstream(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw mistake(token, `${JSON.stringify(token.text)} ${state}`);
  }
}

function checkServerNames({ tls, to }: Found, targets: readonly Token[]): void {
  if (tls.serverName === undefined) return;
  const isNamed = (target: string) =>
    !namesFile(target) && !parseHostTarget(target) && parseUpstream(target).serverName;
  const twice = to.findIndex(isNamed);
  if (twice >= 0) throw mistake(targets[twice]!, `${targets[twice]!.text} has a server name besides tls_servername`);
}

/** CoreDNS tells them apart by their number. */
function readTlsFiles(property: Words): ForwardDirective['tls'] {
  const files = property.rest().map(({ text }) => text);
  if (files.length > 3) throw mistake(property.name, 'tls of forward takes at most CERT, KEY and CA');
  if (files.length === 1) return { caFile: files[0]! };
  const [certFile, keyFile, caFile] = files;
  return { ...(certFile && keyFile && { certFile, keyFile }), ...(caFile && { caFile }) };
}

function readHealthCheck(property: Words): ForwardDirective['healthCheck'] {
  const intervalMs = property.durationMs();
  let recursionDesired = true;
  let domain = '.';
  while (property.hasMore) {
    if (property.oneOf(['no_rec', 'domain']) === 'no_rec') recursionDesired = false;
    else domain = readZone(property.next('a name'))[0]!;
  }
  return { intervalMs, recursionDesired, domain };
}

function readFailure(token: Token): number {
  const code = readCode(token);
  if (code === responseCodes.NoError) throw mistake(token, 'NOERROR cannot be a code of failover: it is no failure');
  return code;
}

function readCode(token: Token): number {
  const code = codesByName.get(token.text.toUpperCase());
  if (code === undefined) throw mistake(token, `${JSON.stringify(token.text)} is not a response code such as SERVFAIL`);
  return code;
}
