import path from 'node:path';

/** What an image stands for: the words that start its program, and those that are replaced by the Pod's `args`. */
export interface CatalogueEntry {
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
  /**
   * The program serves when it listens on this TCP port; that counts as its readiness when the Pod runs it with neither
   * probes nor arguments of its own. Without it a Pod would be ready before its program has opened the port.
   */
  readonly readyPort?: number;
}

export interface Catalogue {
  /** Undefined when no program is known under this name. */
  find(image: string): CatalogueEntry | undefined;
  /** The names it knows, as an error message lists them. */
  readonly names: readonly string[];
}

/** How the `signalbox` command itself is run: `[process.execPath, '/…/src/main.ts']`. */
export type OwnCommand = readonly [program: string, ...args: string[]];

/**
 * Images are names here: whatever registry, tag or digest stands around them, the last part of the path tells the
 * program (the last two for our own, `signalbox/proxy`).
 */
export function createCatalogue(ownCommand: OwnCommand): Catalogue {
  const [runtime] = ownCommand;
  const program = (name: string) => [runtime, path.join(import.meta.dirname, '..', 'programs', name)];
  const entries: Readonly<Record<string, CatalogueEntry>> = {
    serve_hostname: { entrypoint: program('serve-hostname.ts'), args: [], readyPort: 9376 },
    pause: { entrypoint: ['sleep'], args: ['infinity'] },
    'signalbox/proxy': { entrypoint: [...ownCommand, 'proxy'], args: [] },
    'signalbox/dns': { entrypoint: [...ownCommand, 'dns'], args: [] },
  };
  return {
    names: Object.keys(entries),
    find(image) {
      const parts = withoutTag(image).split('/');
      const candidates = [parts.slice(-2).join('/'), parts.at(-1)!.replaceAll('-', '_')];
      const name = candidates.find((candidate) => Object.hasOwn(entries, candidate));
      return name === undefined ? undefined : entries[name];
    },
  };
}

/** `registry:5000/name:tag@sha256:…` → `registry:5000/name` */
const withoutTag = (image: string) => image.replace(/@.*$/, '').replace(/:[^/]*$/, '');
