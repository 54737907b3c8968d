import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Plugin } from '../chain/port.ts';
import type { Directives } from '../corefile/mod.ts';
import { createAclPlugin } from '../plugins/acl.ts';
import { createHostsPlugin, HostsFile } from '../plugins/hosts/mod.ts';
import { createRewritePlugin } from '../plugins/rewrite/mod.ts';

/** The plugins of a block that stand before the cluster's zone, since they concern names whoever answers them. */
export class NamePlugins {
  readonly hosts: HostsFile | undefined;
  readonly #directives: Directives;

  constructor(directives: Directives, dependencies: { readonly clock: Clock; readonly log: Logger }) {
    this.#directives = directives;
    this.hosts = directives.hosts && new HostsFile(directives.hosts, dependencies);
  }

  plugins(): Plugin[] {
    const { acl = [], hosts, rewrite } = this.#directives;
    return [
      // Before the access lists, as CoreDNS has it since 1.14.2: what they forbid cannot be had by another name.
      ...(rewrite ? [createRewritePlugin(rewrite)] : []),
      ...acl.map(createAclPlugin),
      ...(hosts ? [createHostsPlugin({ ...hosts, file: this.hosts! })] : []),
    ];
  }

  async start(): Promise<void> {
    await this.hosts?.start();
  }

  stop(): void {
    this.hosts?.stop();
  }
}
