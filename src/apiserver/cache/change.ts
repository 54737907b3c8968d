import { atRevision, type Version } from './version.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Turns one version into the `object` of a watch event; `name` tells encodings apart when texts are shared. */
export interface EventEncoding {
  readonly name: string;
  readonly encode: (version: Version) => string;
}

/** The whole object, as it is. */
export const plainEncoding: EventEncoding = { name: 'object', encode: (version) => version.json };

/** One object's step from one version to the next; `before` is absent when it was created, `after` when deleted. */
export class Change {
  readonly revision: number;
  readonly before: Version | undefined;
  readonly after: Version | undefined;
  readonly #lines = new Map<string, string>();
  #last: Version | undefined;

  constructor(revision: number, before: Version | undefined, after: Version | undefined) {
    this.revision = revision;
    this.before = before;
    this.after = after;
  }

  /**
   * How the change looks through a selection: an object that enters it is added, one that leaves it is deleted, and
   * one that was and is outside is not seen at all.
   */
  typeFor(selects: (version: Version) => boolean): WatchEventType | undefined {
    const was = this.before !== undefined && selects(this.before);
    const is = this.after !== undefined && selects(this.after);
    if (is) return was ? 'MODIFIED' : 'ADDED';
    return was ? 'DELETED' : undefined;
  }

  /** One line of a watch, encoded once for all watchers that see it alike. */
  line(type: WatchEventType, encoding: EventEncoding): string {
    const name = `${type} ${encoding.name}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = eventLine(type, encoding.encode(type === 'DELETED' ? this.#lastVersion() : this.after!));
      this.#lines.set(name, line);
    }
    return line;
  }

  /** The texts are needed while the change is new; a watch that starts in the past encodes them again. */
  forgetLines(): void {
    this.#lines.clear();
  }

  #lastVersion(): Version {
    this.#last ??= atRevision(this.before!, this.revision);
    return this.#last;
  }
}

export const eventLine = (type: WatchEventType | 'BOOKMARK' | 'ERROR', objectJson: string): string =>
  `{"type":"${type}","object":${objectJson}}\n`;
