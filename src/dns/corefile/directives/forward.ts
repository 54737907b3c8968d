import { isIP } from 'node:net';
import { responseCodes } from '../../../wire/dns/mod.ts';
import { ipAddress, type Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { ForwardDirective } from '../options.ts';
import type { ReadContext } from '../read.ts';
import type { Token } from '../token.ts';
import { readZone, readZones } from '../zones.ts';

const mostTargets = 15;
const codesByName: ReadonlyMap<string, number> = new Map(
  Object.entries({ ...responseCodes, ServerFailure: responseCodes.ServFail }).map(([name, code]) => [
    name.toUpperCase(),
    code,
  ]),
);

/** https://coredns.io/plugins/forward/ */
export function readForward(words: Words, context: ReadContext): ForwardDirective {
  const from = readZone(words.next('the zone to forward'))[0]!;
  const targets = words.rest(1, 'a resolver to forward to');
  if (targets[mostTargets]) throw mistake(targets[mostTargets], `more than ${mostTargets} resolvers`);
  const found: { -readonly [Name in keyof ForwardDirective]: ForwardDirective[Name] } = {
    from,
    to: targets.map(readTarget),
    except: [],
    forceTcp: false,
    preferUdp: false,
    expireMs: 10_000,
    maxIdleConnections: undefined,
    maxFails: 2,
    policy: 'random',
    healthCheck: { intervalMs: 500, recursionDesired: true, domain: '.' },
    maxConcurrent: undefined,
    next: [],
    failover: [],
    failfastAllUnhealthy: false,
    maxConnectAttempts: 0,
  };
  words.properties({
    except: (property) => {
      found.except = [...found.except, ...readZones(property.rest(1, 'a zone that is not forwarded'))];
    },
    force_tcp: () => {
      found.forceTcp = true;
    },
    prefer_udp: () => {
      found.preferUdp = true;
    },
    expire: (property) => {
      found.expireMs = property.durationMs();
    },
    max_idle_conns: (property) => {
      found.maxIdleConnections = property.wholeNumber(0) || undefined;
    },
    max_fails: (property) => {
      found.maxFails = property.wholeNumber(0);
    },
    max_age: (property) => {
      property.durationMs();
      context.notice(property.name, 'max_age of forward does nothing: connections end by expire');
    },
    policy: (property) => {
      found.policy = property.oneOf(['random', 'round_robin', 'sequential']);
    },
    health_check: (property) => {
      found.healthCheck = readHealthCheck(property);
    },
    max_concurrent: (property) => {
      found.maxConcurrent = property.wholeNumber(0) || undefined;
    },
    max_connect_attempts: (property) => {
      found.maxConnectAttempts = property.wholeNumber(0);
    },
    next: (property) => {
      found.next = property.rest(1, 'a response code').map(readCode);
    },
    failover: (property) => {
      found.failover = property.rest(1, 'a response code').map(readCode);
    },
    failfast_all_unhealthy_upstreams: () => {
      found.failfastAllUnhealthy = true;
    },
    resolver: (property) => {
      for (const token of property.rest(1, 'an address'))
        ipAddress({ ...token, text: token.text.replace(/:\d+$/, '') });
      context.notice(property.name, 'resolver of forward does nothing: its targets are addresses and files');
    },
    tls: refuse('DNS over TLS is not supported'),
    tls_servername: refuse('DNS over TLS is not supported'),
    doh_method: refuse('DNS over HTTPS is not supported'),
    next_on_nodata: refuse('it is not supported'),
  });
  return found;
}

const refuse = (state: string) => (property: Words) => {
  throw mistake(property.name, `${property.name.text} of forward: ${state}`);
};

function readTarget(token: Token): string {
  const [, transport, rest = ''] = /^(?:([a-z0-9]+):\/\/)?(.+)$/.exec(token.text) ?? [];
  if (transport !== undefined && transport !== 'dns') {
    throw mistake(token, `${token.text}: resolvers are asked over plain DNS only`);
  }
  const host = /^\[(.+)\](?::\d+)?$/.exec(rest)?.[1] ?? (isIP(rest) ? rest : rest.replace(/:\d+$/, ''));
  if (isIP(host) !== 0 || rest.includes('/')) return rest;
  throw mistake(token, `${JSON.stringify(token.text)} is neither an address nor the path of a file`);
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

function readCode(token: Token): number {
  const code = codesByName.get(token.text.toUpperCase());
  if (code === undefined) throw mistake(token, `${JSON.stringify(token.text)} is not a response code such as SERVFAIL`);
  return code;
}
