import { Words } from './directive.ts';
import { readCache } from './directives/cache.ts';
import { readDns64 } from './directives/dns64.ts';
import { readForward } from './directives/forward.ts';
import { readKubernetes } from './directives/kubernetes.ts';
import { readAutopath, readHosts } from './directives/names.ts';
import { readErrors, readHealth, readLog, readPrometheus, readReady, readReload } from './directives/observe.ts';
import { readRewrite } from './directives/rewrite.ts';
import {
  readAcl,
  readBind,
  readBufsize,
  readChaos,
  readFlag,
  readLoadbalance,
  readTransfer,
} from './directives/small.ts';
import { readTemplate } from './directives/template.ts';
import { mistake, type Place, suggestion } from './mistake.ts';
import type { DirectiveName, Directives } from './options.ts';
import { type Block, type FileSource, type Line, parseCorefile } from './parse.ts';
import { harmless, refused } from './plugins.ts';
import { readServerKey } from './zones.ts';

/** The names that one server block answers for, on one port. */
export interface ServerBlock {
  readonly port: number;
  readonly zones: readonly string[];
  readonly directives: Directives;
}

export interface Corefile {
  readonly blocks: readonly ServerBlock[];
  readonly notices: readonly string[];
  /** What was read; see `CorefileText`. */
  readonly files: ReadonlyMap<string, string>;
}

/** What the reader of a directive may need beside its own words. */
export interface ReadContext {
  /** The zones of the server block. */
  readonly zones: readonly string[];
  /** Where relative paths of zone data begin, as `root` says. */
  readonly root: string | undefined;
  notice(place: Place, text: string): void;
}

type Reader = (words: Words, context: ReadContext) => unknown;

const once: Record<Exclude<DirectiveName, keyof typeof repeated>, Reader> = {
  any: readFlag,
  autopath: readAutopath,
  bind: readBind,
  bufsize: readBufsize,
  cache: readCache,
  chaos: readChaos,
  dns64: readDns64,
  errors: readErrors,
  health: readHealth,
  hosts: readHosts,
  kubernetes: readKubernetes,
  loadbalance: readLoadbalance,
  local: readFlag,
  loop: readFlag,
  minimal: readFlag,
  prometheus: readPrometheus,
  ready: readReady,
  reload: readReload,
  whoami: readFlag,
};

/** Directives that may stand several times in a block; they are asked in that order. */
const repeated = {
  acl: readAcl,
  forward: readForward,
  log: readLog,
  rewrite: readRewrite,
  template: readTemplate,
  transfer: readTransfer,
} satisfies Partial<Record<DirectiveName, Reader>>;

const known = [...Object.keys(once), ...Object.keys(repeated), ...Object.keys(harmless), 'import', 'root'];

/** Reads a Corefile and what it imports. Throws UsageError that names file, line and word. */
export function readCorefile(path: string, source: FileSource, defaultPort = 53): Corefile {
  const text = parseCorefile(path, source);
  const notices = [...text.notices];
  const place = { file: path, line: 1 };
  if (text.blocks.length === 0) throw mistake(place, 'no server block, such as .:53 { … }');
  const blocks = text.blocks.flatMap((block) => readBlock(block, defaultPort, notices));
  checkZones(text.blocks, defaultPort);
  return { blocks, notices, files: text.files };
}

function readBlock({ keys, lines }: Block, defaultPort: number, notices: string[]): ServerBlock[] {
  const served = keys.flatMap((key) => readServerKey(key, defaultPort));
  const ports = [...new Set(served.map(({ port }) => port))];
  const zones = [...new Set(served.map(({ zone }) => zone))];
  const context: ReadContext = {
    zones,
    root: readRoot(lines),
    notice: ({ line }, text) => void notices.push(`line ${line}: ${text}`),
  };
  const directives = readDirectives(lines, context);
  return ports.map((port) => ({
    port,
    zones: served.filter((key) => key.port === port).map(({ zone }) => zone),
    directives,
  }));
}

function readDirectives(lines: readonly Line[], context: ReadContext): Directives {
  const found: Record<string, unknown> = {};
  for (const line of lines) {
    const name = line.words[0].text;
    const words = new Words(line);
    if (Object.hasOwn(once, name)) {
      if (found[name] !== undefined) throw mistake(line.words[0], `${name} stands twice in one server block`);
      found[name] = once[name as keyof typeof once](words, context);
    } else if (Object.hasOwn(repeated, name)) {
      const before = (found[name] ?? []) as unknown[];
      found[name] = [...before, repeated[name as keyof typeof repeated](words, context)];
    } else if (name === 'root') {
      // Read already.
    } else if (Object.hasOwn(harmless, name)) {
      context.notice(line.words[0], `${name} does nothing: ${harmless[name]}`);
    } else {
      throw mistake(line.words[0], unknownDirective(name));
    }
  }
  checkTogether(found as Directives, lines);
  return found as Directives;
}

/** What one directive needs of another in the same block. */
function checkTogether({ autopath, kubernetes }: Directives, lines: readonly Line[]): void {
  if (autopath?.source.kind !== 'kubernetes' || kubernetes) return;
  const { words } = lines.find(({ words: [name] }) => name.text === 'autopath')!;
  throw mistake(words[0], 'autopath @kubernetes needs the directive kubernetes in the same server block');
}

const unknownDirective = (name: string): string =>
  Object.hasOwn(refused, name)
    ? `the plugin '${name}' is not supported: ${refused[name]}`
    : `unknown directive '${name}'${suggestion(name, known)}`;

/** Where relative paths begin; undefined: at the working directory. */
function readRoot(lines: readonly Line[]): string | undefined {
  const line = lines.find(({ words: [name] }) => name.text === 'root');
  if (!line) return undefined;
  const words = new Words(line);
  const { text } = words.next('a directory');
  words.end();
  return text;
}

/** Two blocks for one zone on one port: CoreDNS refuses that too. */
function checkZones(blocks: readonly Block[], defaultPort: number): void {
  const seen = new Map<string, Place>();
  for (const { keys, lines } of blocks) {
    const bound = lines.filter(({ words: [name] }) => name.text === 'bind').flatMap(({ words }) => words.slice(1));
    const places = bound.length > 0 ? bound.map(({ text }) => text) : [''];
    for (const key of keys) {
      for (const { zone, port } of readServerKey(key, defaultPort)) {
        for (const address of places) {
          const name = `${zone}:${port} ${address}`;
          const before = seen.get(name);
          if (before) throw mistake(key, `${zone} on port ${port} has a server block already, at line ${before.line}`);
          seen.set(name, key);
        }
      }
    }
  }
}
