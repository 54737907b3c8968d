import { isIP } from 'node:net';
import { parseDuration } from '../../base/go-duration.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { parseRange } from '../plan/mod.ts';
import { isNodePortKeyword } from '../settings.ts';
import { localModes, proxyModes } from './modes.ts';

export interface ConfigProblem {
  /** `iptables.masqueradeBit` */
  readonly path: string;
  /** Without the path: `Invalid value: 32: must be within the range [0, 31]`. */
  readonly message: string;
}

/**
 * What is wrong with a configuration of the right shape, in the words of upstream's pkg/proxy/apis/config/validation. Paths
 * are those of the file; upstream's are Go's names.
 */
export function validateConfiguration(config: KubeProxyConfiguration): ConfigProblem[] {
  const problems = new Problems();
  checkMode(config, problems);
  for (const mode of ['iptables', 'nftables'] as const) {
    const own = config[mode];
    problems.range(`${mode}.masqueradeBit`, own.masqueradeBit, 0, 31);
    checkPeriods(mode, own, problems);
  }
  checkConntrack(config.conntrack, problems);
  const { qps } = config.clientConnection;
  if (typeof qps !== 'number') problems.add('clientConnection.qps', qps, 'must be a number');
  problems.range('clientConnection.burst', config.clientConnection.burst, 0);
  problems.range('oomScoreAdj', config.oomScoreAdj, -1000, 1000);
  problems.duration('configSyncPeriod', config.configSyncPeriod, { least: 'positive' });
  checkAddresses(config, problems);
  checkClusterCidr(config, problems);
  checkDetectLocal(config, problems);
  checkNodePortAddresses(config.nodePortAddresses, problems);
  checkLogging(config.logging, problems);
  return problems.found;
}

class Problems {
  readonly found: ConfigProblem[] = [];

  add(path: string, value: unknown, detail: string): void {
    this.found.push({ path, message: `Invalid value: ${JSON.stringify(value) ?? 'null'}: ${detail}` });
  }

  range(path: string, value: number, least: number, most?: number): void {
    if (value >= least && (most === undefined || value <= most)) return;
    const detail =
      most === undefined ? `must be greater than or equal to ${least}` : `must be within the range [${least}, ${most}]`;
    this.add(path, value, detail);
  }

  /** Milliseconds; 0 when it is none. */
  duration(path: string, text: string, { least }: { least: 'zero' | 'positive' }): number {
    const durationMs = parseDuration(text);
    if (durationMs === undefined) this.add(path, text, 'must be a duration (e.g. 30s, 1h0m0s)');
    else if (least === 'positive' && durationMs <= 0) this.add(path, text, 'must be greater than 0');
    else if (durationMs < 0) this.add(path, text, 'must be greater than or equal to 0');
    return durationMs ?? 0;
  }
}

function checkMode({ mode }: KubeProxyConfiguration, problems: Problems): void {
  const modes: readonly string[] = ['', ...proxyModes];
  if (modes.includes(mode)) return;
  const best = 'blank (blank means the best-available proxy [nftables, else iptables])';
  problems.add('mode', mode, `must be ${proxyModes.join(', ')} or ${best}`);
}

function checkPeriods(path: string, periods: { syncPeriod: string; minSyncPeriod: string }, problems: Problems): void {
  const periodMs = problems.duration(`${path}.syncPeriod`, periods.syncPeriod, { least: 'positive' });
  const minPeriodMs = problems.duration(`${path}.minSyncPeriod`, periods.minSyncPeriod, { least: 'zero' });
  if (periodMs > 0 && minPeriodMs > periodMs) {
    problems.add(`${path}.syncPeriod`, periods.syncPeriod, `must be greater than or equal to ${path}.minSyncPeriod`);
  }
}

function checkConntrack(conntrack: KubeProxyConfiguration['conntrack'], problems: Problems): void {
  problems.range('conntrack.maxPerCore', conntrack.maxPerCore, 0);
  problems.range('conntrack.min', conntrack.min, 0);
  for (const name of ['tcpEstablishedTimeout', 'tcpCloseWaitTimeout', 'udpTimeout', 'udpStreamTimeout'] as const) {
    problems.duration(`conntrack.${name}`, conntrack[name], { least: 'zero' });
  }
}

function checkAddresses(config: KubeProxyConfiguration, problems: Problems): void {
  if (isIP(config.bindAddress) === 0) {
    problems.add('bindAddress', config.bindAddress, 'not a valid textual representation of an IP address');
  }
  for (const name of ['healthzBindAddress', 'metricsBindAddress'] as const) {
    // Empty, as a flag can make it: no server.
    if (config[name] !== '') checkHostPort(name, config[name], problems);
  }
}

function checkHostPort(path: string, text: string, problems: Problems): void {
  const parts = splitHostPort(text);
  if (parts === undefined) {
    problems.add(path, text, 'must be IP:port');
    return;
  }
  if (isIP(parts.host) === 0) problems.add(path, parts.host, 'must be a valid IP');
  const port = Number(parts.port);
  if (!/^\d+$/.test(parts.port) || port < 1 || port > 65_535) problems.add(path, parts.port, 'must be a valid port');
}

/** `10.0.0.1:80`, `[::1]:80` */
export function splitHostPort(text: string): { host: string; port: string } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(text);
  return match ? { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' } : undefined;
}

function checkClusterCidr({ clusterCIDR }: KubeProxyConfiguration, problems: Problems): void {
  if (clusterCIDR === '') return;
  const ranges = clusterCIDR.split(',').map((text) => parseRange(text.trim()));
  const families = new Set(ranges.map((range) => range?.family));
  const [dual, single] = ['10.100.0.0/16,fde4:8dba:82e1::/48', '10.100.0.0/16 or fde4:8dba:82e1::/48'];
  if (ranges.length > 2) {
    problems.add('clusterCIDR', clusterCIDR, `only one CIDR allowed or a valid DualStack CIDR (e.g. ${dual})`);
  } else if (ranges.length === 2 && (families.has(undefined) || families.size < 2)) {
    problems.add('clusterCIDR', clusterCIDR, `must be a valid DualStack CIDR (e.g. ${dual})`);
  } else if (ranges.includes(undefined)) {
    problems.add('clusterCIDR', clusterCIDR, `must be a valid CIDR block (e.g. ${single})`);
  }
}

/** IFNAMSIZ, less the zero at the end. */
const longestInterfaceName = 15;

function checkDetectLocal({ detectLocalMode, detectLocal }: KubeProxyConfiguration, problems: Problems): void {
  const modes: readonly string[] = localModes;
  if (!modes.includes(detectLocalMode)) {
    problems.add('detectLocalMode', detectLocalMode, `must be ${localModes.join(', ')} or blank`);
  }
  const needs = { BridgeInterface: 'bridgeInterface', InterfaceNamePrefix: 'interfaceNamePrefix' } as const;
  for (const [mode, name] of Object.entries(needs) as [string, (typeof needs)[keyof typeof needs]][]) {
    const value = detectLocal[name];
    if (value.length > longestInterfaceName)
      problems.add(`detectLocal.${name}`, value, 'must not exceed 15 characters');
    if (detectLocalMode === mode && value === '') problems.add(`detectLocal.${name}`, value, 'must not be empty');
  }
}

function checkNodePortAddresses(addresses: readonly string[], problems: Problems): void {
  for (const [index, text] of addresses.entries()) {
    const path = `nodePortAddresses[${index}]`;
    if (isNodePortKeyword(text) || parseRange(text) !== undefined) continue;
    problems.add(path, text, 'must be a valid CIDR block (e.g. 10.100.0.0/16), "primary", "localhost" or "all"');
  }
}

function checkLogging({ format, verbosity }: KubeProxyConfiguration['logging'], problems: Problems): void {
  if (!['text', 'json'].includes(format)) problems.add('logging.format', format, 'must be text or json');
  problems.range('logging.verbosity', verbosity, 0);
}
