import { closeSync, readSync, writeSync } from 'node:fs';
import { checked, fileCall, libc } from './libc.ts';

const MFD_CLOEXEC = 1;

const roomLength = 64 << 10;

/**
 * A file without a name, in the kernel's memory and not in this process's: for text that a tool is to read and that may be
 * long. Its offset stays at the beginning, where a tool that gets the descriptor starts to read. All throw KernelError.
 */
export class MemoryFile {
  readonly descriptor: number;
  readonly #operation: string;
  readonly #room = Buffer.allocUnsafeSlow(roomLength);
  #used = 0;
  #flushed = 0;

  /** `name` stands in errors, and in /proc/PID/fd while the file is there. */
  constructor(name: string) {
    this.#operation = `Write the memory file ${name}`;
    this.descriptor = checked(`Make the memory file ${name}`, libc().memfd_create(name, MFD_CLOEXEC));
  }

  /** In bytes. */
  get length(): number {
    return this.#flushed + this.#used;
  }

  write(text: string): void {
    // One UTF-16 unit is three bytes of UTF-8 at most.
    if (text.length * 3 > roomLength - this.#used) this.flush();
    if (text.length * 3 > roomLength) this.#append(Buffer.from(text, 'utf8'));
    else this.#used += this.#room.write(text, this.#used, 'utf8');
  }

  /** Adds what is in another one. */
  append(other: MemoryFile): void {
    other.flush();
    for (let position = 0; position < other.#flushed; ) {
      this.flush();
      const read = fileCall(this.#operation, () => readSync(other.descriptor, this.#room, 0, roomLength, position));
      this.#used = read;
      position += read;
    }
  }

  /** What has been written is in the file from now on, and not only here. */
  flush(): void {
    const used = this.#used;
    this.#used = 0;
    this.#append(this.#room.subarray(0, used));
  }

  text(): string {
    this.flush();
    const bytes = Buffer.alloc(this.#flushed);
    fileCall(this.#operation, () => readSync(this.descriptor, bytes, 0, bytes.length, 0));
    return bytes.toString('utf8');
  }

  close(): void {
    closeSync(this.descriptor);
  }

  #append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      const written = fileCall(this.#operation, () => writeSync(this.descriptor, bytes, done, left, this.#flushed));
      done += written;
      this.#flushed += written;
    }
  }
}
