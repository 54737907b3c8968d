import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { millisecondsOf, type ProxyMode, proxySettings } from '../config/mod.ts';
import { readSettings } from '../settings.ts';
import { nodeView } from '../track/mod.ts';

export interface TuningOptions {
  readonly log: Logger;
  readonly cpus: number;
  /** Where /proc and /sys are; default `/`. */
  readonly root?: string;
}

/** What could not be set; the reason is as in kube-proxy's Event. */
export interface TuningProblem {
  readonly reason: 'ReadOnlySysFS' | 'FailedToSetSysctl';
  readonly message: string;
}

/**
 * Kernel parameters that kube-proxy sets when it starts (cmd/kube-proxy/app/conntrack.go), and its own OOM score. Limits
 * and timeouts are only ever raised, as upstream does. What is not permitted is said and left: Services work without.
 */
export function tuneNode(config: KubeProxyConfiguration, mode: ProxyMode, options: TuningOptions): TuningProblem[] {
  const node = new Parameters(options);
  setOomScore(config.oomScoreAdj, options);
  const most = conntrackMax(config.conntrack, options.cpus);
  if (most > 0) {
    node.raise(`${conntrack}nf_conntrack_max`, most);
    node.raise('sys/module/nf_conntrack/parameters/hashsize', Math.floor(most / 4));
  }
  for (const [name, field] of timeouts) {
    const seconds = Math.floor(millisecondsOf(config.conntrack[field]) / 1000);
    if (seconds > 0) node.raise(`${conntrack}${name}`, seconds);
  }
  if (config.conntrack.tcpBeLiberal) node.raise(`${conntrack}nf_conntrack_tcp_be_liberal`, 1);
  if (needsRouteLocalnet(config, mode)) {
    node.raise('proc/sys/net/ipv4/conf/all/route_localnet', 1, {
      hint: 'so that node ports answer on localhost; --iptables-localhost-nodeports=false or --nodeport-addresses prevents it',
    });
  }
  return node.problems;
}

const conntrack = 'proc/sys/net/netfilter/';

const timeouts = [
  ['nf_conntrack_tcp_timeout_established', 'tcpEstablishedTimeout'],
  ['nf_conntrack_tcp_timeout_close_wait', 'tcpCloseWaitTimeout'],
  ['nf_conntrack_udp_timeout', 'udpTimeout'],
  ['nf_conntrack_udp_timeout_stream', 'udpStreamTimeout'],
] as const;

/** 0: leave it as it is. */
export function conntrackMax({ maxPerCore, min }: KubeProxyConfiguration['conntrack'], cpus: number): number {
  return maxPerCore > 0 ? Math.max(min, maxPerCore * cpus) : 0;
}

/** Whether the traffic settings let node ports answer on loopback; the kernel drops such packets as martians otherwise. */
function needsRouteLocalnet(config: KubeProxyConfiguration, mode: ProxyMode): boolean {
  return readSettings(proxySettings(config, mode))(nodeView(''), 'IPv4').nodePorts.localhost;
}

class Parameters {
  readonly problems: TuningProblem[] = [];
  readonly #options: TuningOptions;

  constructor(options: TuningOptions) {
    this.#options = options;
  }

  raise(file: string, wanted: number, fields: object = {}): void {
    const { log, root = '/' } = this.#options;
    const path = join(root, file);
    try {
      if (Number(readFileSync(path, 'latin1').trim()) >= wanted) return;
      writeFileSync(path, `${wanted}\n`);
      log.info('Set a kernel parameter', { parameter: `/${file}`, value: wanted, ...fields });
    } catch (error) {
      this.#failed(`/${file}`, wanted, error);
    }
  }

  #failed(parameter: string, value: number, error: unknown): void {
    this.#options.log.warn('Cannot set a kernel parameter', { parameter, value, error: messageOf(error) });
    const isReadOnly = codeOf(error) === 'EROFS' && parameter.startsWith('/sys/');
    // The text by which operators find it, and a hint older than most container runtimes.
    const message = isReadOnly
      ? 'CRI error: /sys is read-only: cannot modify conntrack limits, problems may arise later'
      : `Cannot set ${parameter} to ${value}: ${messageOf(error)}`;
    this.problems.push({ reason: isReadOnly ? 'ReadOnlySysFS' : 'FailedToSetSysctl', message });
  }
}

function setOomScore(score: number, { log, root = '/' }: TuningOptions): void {
  try {
    writeFileSync(join(root, 'proc/self/oom_score_adj'), `${score}\n`);
  } catch (error) {
    log.debug('Cannot set the OOM score', { score, error: messageOf(error) });
  }
}
