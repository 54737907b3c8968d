import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Landing } from './programs/connector.ts';
import type { Site } from './site.ts';

export type { Landing };

const program = path.join(import.meta.dirname, 'programs', 'connector.ts');

export interface Attempts {
  /** The first one was refused: the VIP is there and has no endpoint. */
  readonly refused: Promise<void>;
  readonly landed: Promise<Landing>;
}

/** The client, in the node's own namespace. */
export class Connector {
  readonly #child: ChildProcess;
  #refused = Promise.withResolvers<void>();
  #landed = Promise.withResolvers<Landing>();

  constructor(site: Site, vip: string, port: number, pauseMs: number) {
    this.#child = site.runFile(program, site.node.namespace, [vip, String(port), String(pauseMs)], (line) =>
      this.#take(line),
    );
  }

  /** Begins to try, until a connection lands. One at a time. */
  try(): Attempts {
    this.#refused = Promise.withResolvers();
    this.#landed = Promise.withResolvers();
    this.#child.stdin?.write('try\n');
    return { refused: this.#refused.promise, landed: this.#landed.promise };
  }

  #take(line: string): void {
    if (!line.startsWith('{')) return;
    const answer: Landing | { refused: true } = JSON.parse(line);
    if ('refused' in answer) this.#refused.resolve();
    else this.#landed.resolve(answer);
  }
}
