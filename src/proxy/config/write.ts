import { stringify } from 'yaml';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';

/** As kube-proxy writes it (`--write-config-to`): every field, in alphabetical order. */
export const formatConfiguration = (config: KubeProxyConfiguration): string =>
  stringify(config, { sortMapEntries: true });
