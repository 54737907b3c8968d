import { type PipeEnds as Pipe, StreamError, type StreamSystem } from '../../../kernel/mod.ts';

/** Bytes on their way from one socket to another. */
export interface Direction {
  readonly descriptor: number;
  /** The socket that they go to. */
  to: number;
}

/** What could not be written yet: in a pipe, or taken out of it because others needed one. */
type Held = { readonly pipe: Pipe; length: number } | { bytes: Uint8Array };

/** Also the most that a direction holds when its receiver is slow. */
const pipeSize = 256 << 10;

/** Slow receivers beyond that number have what waits for them kept in memory: a pipe takes two descriptors. */
const pipesLimit = 256;

/** Moves bytes between sockets by splice(2): into a pipe and out of it, without copying them. */
export class Pipes {
  readonly #system: StreamSystem;
  readonly #free: Pipe[] = [];
  /** Who has been slow for longest is first. */
  readonly #held = new Map<Direction, Held>();
  readonly #limit: number;
  #made = 0;

  constructor(system: StreamSystem, limit = pipesLimit) {
    this.#system = system;
    this.#limit = limit;
  }

  holds(direction: Direction): boolean {
    return this.#held.has(direction);
  }

  /** As much as goes: until nothing comes, the receiver takes no more, the sender has ended, or either fails. */
  move(direction: Direction): 'drained' | 'blocked' | 'ended' | 'failed' {
    for (;;) {
      const held = this.#held.get(direction);
      if (held) {
        const result = this.#writeHeld(direction, held);
        if (result !== 'written') return result;
      }
      const pipe = this.#take();
      if (!pipe) return 'failed';
      const length = this.#system.splice(direction.descriptor, pipe.write, pipeSize);
      if (length <= 0) {
        this.#free.push(pipe);
        return length === 0 ? 'ended' : length === StreamError.tryAgain ? 'drained' : 'failed';
      }
      this.#held.set(direction, { pipe, length });
    }
  }

  /** Forgets what has not been written. */
  drop(direction: Direction): void {
    const held = this.#held.get(direction);
    this.#held.delete(direction);
    if (held && 'pipe' in held) this.#discard(held.pipe);
  }

  end(): void {
    for (const direction of [...this.#held.keys()]) this.drop(direction);
    for (const pipe of this.#free.splice(0)) this.#discard(pipe);
  }

  #writeHeld(direction: Direction, held: Held): 'written' | 'blocked' | 'failed' {
    for (;;) {
      const written =
        'pipe' in held
          ? this.#system.splice(held.pipe.read, direction.to, held.length)
          : this.#system.send(direction.to, held.bytes);
      if (written < 0) return written === StreamError.tryAgain ? 'blocked' : 'failed';
      if (!this.#shorten(held, written)) continue;
      this.#held.delete(direction);
      if ('pipe' in held) this.#free.push(held.pipe);
      return 'written';
    }
  }

  /** Whether nothing is left. */
  #shorten(held: Held, written: number): boolean {
    if ('pipe' in held) {
      held.length -= written;
      return held.length === 0;
    }
    held.bytes = held.bytes.subarray(written);
    return held.bytes.length === 0;
  }

  #take(): Pipe | undefined {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#made < this.#limit) {
      const pipe = this.#system.pipe(pipeSize);
      if (typeof pipe !== 'number') {
        this.#made += 1;
        return pipe;
      }
    }
    return this.#emptied();
  }

  /** The pipe of the direction that has waited longest, its content saved; undefined when nobody has one. */
  #emptied(): Pipe | undefined {
    for (const [direction, held] of this.#held) {
      if (!('pipe' in held)) continue;
      const bytes = Buffer.alloc(held.length);
      let length = 0;
      while (length < bytes.length) {
        const result = this.#system.read(held.pipe.read, bytes.subarray(length));
        if (result <= 0) return undefined;
        length += result;
      }
      this.#held.set(direction, { bytes });
      return held.pipe;
    }
    return undefined;
  }

  #discard(pipe: Pipe): void {
    this.#system.close(pipe.read);
    this.#system.close(pipe.write);
    this.#made -= 1;
  }
}
