import type { DnsConfig } from '../../../kube/mod.ts';
import type { SandboxConfig } from '../port.ts';

/** The files of /etc that a Pod has of its own, by name, as text. `address` is absent for a hostNetwork Pod. */
export function etcFiles(config: SandboxConfig, address: string | undefined, hostNsswitch: string | undefined) {
  const files: Record<string, string> = {
    'resolv.conf': resolvConf(config.dns),
    hostname: `${config.hostname}\n`,
  };
  if (address !== undefined) files.hosts = hosts(config, address);
  if (hostNsswitch !== undefined) files['nsswitch.conf'] = plainLookups(hostNsswitch);
  return files;
}

function resolvConf({ nameservers, searches, options }: DnsConfig): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** As kubelet writes it (pkg/kubelet/kubelet_pods.go, managedHostsFileContent). */
function hosts(config: SandboxConfig, address: string): string {
  const own = [config.fullyQualifiedName, config.hostname].filter((name) => name !== undefined);
  const lines = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    `${address}\t${own.join('\t')}`,
    ...config.hostAliases.map(({ ip, hostnames }) => `${ip}\t${hostnames.join('\t')}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * Host names come from /etc/hosts and DNS only: modules such as `resolve` (systemd) or `mdns` would ask a daemon of the
 * machine, which knows nothing of the Pod's resolv.conf.
 */
const plainLookups = (nsswitch: string): string => nsswitch.replace(/^hosts:.*$/m, 'hosts:\tfiles dns');
