/** DNS over TCP puts each message behind its length in two bytes (RFC 1035 section 4.2.2). */
export class TcpFrames {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The next whole message, once all of it has come in. */
  next(): Buffer | undefined {
    if (this.#pending.length < 2) return undefined;
    const end = 2 + this.#pending.readUInt16BE(0);
    if (this.#pending.length < end) return undefined;
    const message = this.#pending.subarray(2, end);
    this.#pending = this.#pending.subarray(end);
    return message;
  }
}

/** Length and message in one piece, so that they leave in one segment (RFC 7766 section 8). */
export function tcpFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  frame.set(message, 2);
  return frame;
}
