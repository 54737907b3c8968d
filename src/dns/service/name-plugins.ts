import { hostname } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { version } from '../../base/version.ts';
import type { Plugin } from '../chain/port.ts';
import type { AutopathDirective, ChaosDirective, Directives } from '../corefile/mod.ts';
import { FollowedFile } from '../followed-file.ts';
import { createAclPlugin } from '../plugins/acl.ts';
import { createAutopathPlugin, FileSearch, PodSearch, type SearchSource } from '../plugins/autopath/mod.ts';
import { type ChaosOptions, classPlugin, createChaosPlugin } from '../plugins/chaos.ts';
import { createDns64Plugin } from '../plugins/dns64.ts';
import { createHostsPlugin, HostsFile } from '../plugins/hosts/mod.ts';
import { createLocalPlugin } from '../plugins/local.ts';
import { createRewritePlugin } from '../plugins/rewrite/mod.ts';
import { createTemplatePlugin } from '../plugins/template.ts';
import type { FollowedCluster } from './cluster.ts';

interface Dependencies {
  readonly clock: Clock;
  readonly log: Logger;
}

/** How soon a change of a search list is noticed. */
const searchListMs = 5000;

/** The plugins of a block that stand before the cluster's zone, since they concern names whoever answers them. */
export class NamePlugins {
  readonly hosts: HostsFile | undefined;
  /** How many names were found further on in a search list; undefined: nobody looks. */
  foundBySearch: number | undefined;
  /** How many answers were made of IPv4 addresses; undefined: nobody does. */
  translated: number | undefined;
  /** How many names began with `localhost` where they should not; undefined: nobody looks. */
  localhosts: number | undefined;
  readonly #directives: Directives;
  readonly #search: { readonly source: SearchSource; readonly file: FollowedFile } | undefined;

  constructor(directives: Directives, cluster: FollowedCluster | undefined, dependencies: Dependencies) {
    this.#directives = directives;
    if (directives.autopath) this.foundBySearch = 0;
    if (directives.dns64) this.translated = 0;
    if (directives.local) this.localhosts = 0;
    this.hosts = directives.hosts && new HostsFile(directives.hosts, dependencies);
    this.#search = directives.autopath && createSearch(directives.autopath, cluster, dependencies);
  }

  /** Whether questions of other classes than IN get here. */
  get anyClass(): boolean {
    const { chaos, rewrite = [] } = this.#directives;
    return chaos !== undefined || rewrite.some(({ field }) => field === 'class');
  }

  plugins(): Plugin[] {
    const { acl = [], autopath, chaos, dns64, hosts, local, rewrite, template = [] } = this.#directives;
    return [
      ...(local ? [createLocalPlugin(() => this.localhosts!++)] : []),
      ...(dns64 ? [createDns64Plugin({ ...dns64, onTranslated: () => this.translated!++ })] : []),
      ...(chaos ? [createChaosPlugin(chaosOptions(chaos))] : []),
      // Before the access lists, as CoreDNS has it since 1.14.2: what they forbid cannot be had by another name.
      ...(rewrite ? [createRewritePlugin(rewrite)] : []),
      ...(this.anyClass ? [classPlugin] : []),
      ...acl.map(createAclPlugin),
      ...(autopath
        ? [
            createAutopathPlugin({
              zones: autopath.zones,
              source: this.#search!.source,
              onFound: () => this.foundBySearch!++,
            }),
          ]
        : []),
      ...template.map(createTemplatePlugin),
      ...(hosts ? [createHostsPlugin({ ...hosts, file: this.hosts! })] : []),
    ];
  }

  async start(): Promise<void> {
    await Promise.all([this.hosts?.start(), this.#search?.file.start()]);
  }

  stop(): void {
    this.hosts?.stop();
    this.#search?.file.stop();
  }
}

const chaosOptions = ({ version: given, authors }: ChaosDirective): ChaosOptions => ({
  version: given ?? `Signalbox ${version}`,
  authors: authors.length > 0 ? authors : ['Signalbox'],
  hostname: hostname(),
});

function createSearch(
  { source }: AutopathDirective,
  cluster: FollowedCluster | undefined,
  { clock, log }: Dependencies,
): { source: SearchSource; file: FollowedFile } {
  const follow = (path: string, onText: (text: string) => void) =>
    new FollowedFile({ path, intervalMs: searchListMs, clock, log, onText });
  if (source.kind === 'file') {
    const search = new FileSearch();
    return { source: search.source, file: follow(source.path, (text) => search.read(text)) };
  }
  const { owners, zone, isCurrent } = cluster!;
  const search = new PodSearch({ owners: owners!, domains: zone.domains, isCurrent, now: () => clock.now() });
  return { source: search.source, file: follow('/etc/resolv.conf', (text) => search.readHost(text)) };
}
