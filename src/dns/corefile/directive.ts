import { parseDuration } from '../../base/go-duration.ts';
import { mistake, suggestion } from './mistake.ts';
import type { Line } from './parse.ts';
import type { Token } from './token.ts';
import { readZones } from './zones.ts';

/** A directive or a property of one, with the words after its name still to be read. Whatever does not fit is a UsageError. */
export class Words {
  readonly name: Token;
  readonly #line: Line;
  readonly #owner: string;
  #at = 1;

  /** `owner` is the directive that the line is a property of. */
  constructor(line: Line, owner?: string) {
    this.#line = line;
    this.name = line.words[0];
    this.#owner = owner === undefined ? this.name.text : `${this.name.text} of ${owner}`;
  }

  get lines(): readonly Line[] {
    return this.#line.block ?? [];
  }

  /** The same without some lines of its block, which were read otherwise. */
  without(isRead: (line: Line) => boolean): Words {
    return new Words({ ...this.#line, block: this.lines.filter((line) => !isRead(line)) });
  }

  get hasMore(): boolean {
    return this.#at < this.#line.words.length;
  }

  peek(): string | undefined {
    return this.#line.words[this.#at]?.text;
  }

  /** All that are left, at least `least`. */
  rest(least = 0, what = 'an argument'): Token[] {
    const rest = this.#line.words.slice(this.#at);
    if (rest.length < least) throw mistake(this.name, `${this.#owner} needs ${what}`);
    this.#at = this.#line.words.length;
    return rest;
  }

  next(what: string): Token {
    const token = this.#line.words[this.#at++];
    if (!token) throw mistake(this.name, `${this.#owner} needs ${what}`);
    return token;
  }

  /** Nothing may be left, and no block unless the caller reads it. */
  end(options: { withBlock?: boolean } = {}): void {
    const more = this.#line.words[this.#at];
    if (more) throw mistake(more, `${JSON.stringify(more.text)} is one argument too many for ${this.#owner}`);
    if (this.#line.block && !options.withBlock) throw mistake(this.name, `${this.#owner} takes no block`);
  }

  wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): number {
    const token = this.next('a number');
    const value = Number(token.text);
    if (!/^\d+$/.test(token.text) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
      throw mistake(token, `${JSON.stringify(token.text)} of ${this.#owner} is not a whole number ${range}`);
    }
    return value;
  }

  durationMs(leastMs = 0): number {
    const token = this.next('a duration such as 5s');
    const ms = parseDuration(token.text);
    if (ms === undefined || ms < leastMs) {
      throw mistake(token, `${JSON.stringify(token.text)} of ${this.#owner} is not a duration such as 5s or 1m30s`);
    }
    return ms;
  }

  oneOf<Word extends string>(words: readonly Word[]): Word {
    const token = this.next(`one of ${words.join(', ')}`);
    const word = words.find((candidate) => candidate === token.text);
    if (word === undefined) {
      const text = JSON.stringify(token.text);
      throw mistake(
        token,
        `${text} of ${this.#owner} is not one of ${words.join(', ')}${suggestion(token.text, words)}`,
      );
    }
    return word;
  }

  zones(fallback: readonly string[]): readonly string[] {
    const zones = readZones(this.rest());
    return zones.length > 0 ? zones : fallback;
  }

  /** `:9153`, `127.0.0.1:9153`, `localhost:9153`; without a host: every address. */
  hostPort(fallback: HostPort): HostPort {
    if (!this.hasMore) return fallback;
    const token = this.next('an address');
    const [, bracketed, host = '', portText = ''] = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(token.text) ?? [];
    const port = Number(portText);
    if (portText === '' || port > 65_535) {
      throw mistake(token, `${JSON.stringify(token.text)} of ${this.#owner} is not an address such as :8080`);
    }
    return { host: bracketed ?? host, port };
  }

  /** Reads the block by a table of what each property is read with; a property that is not in it is a mistake. */
  properties(table: Readonly<Record<string, (property: Words) => void>>): void {
    for (const line of this.lines) {
      const { text } = line.words[0];
      const read = Object.hasOwn(table, text) ? table[text] : undefined;
      if (!read) {
        const near = suggestion(text, Object.keys(table));
        throw mistake(line.words[0], `unknown property '${text}' of ${this.name.text}${near}`);
      }
      const property = new Words(line, this.name.text);
      read(property);
      property.end();
    }
  }
}

/** An empty host is every address of both families. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}
