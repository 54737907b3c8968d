/**
 * When this controller last saw each node's Lease change, on its own monotonic clock: what the clocks of nodes and
 * servers say plays no part, and a controller that has just started has seen every node just now.
 */
export class Heartbeats {
  readonly #seen = new Map<string, { readonly mark: string; readonly atMs: number }>();

  /** @param mark what changes with every renewal */
  observe(node: string, mark: string, nowMs: number): void {
    if (this.#seen.get(node)?.mark !== mark) this.#seen.set(node, { mark, atMs: nowMs });
  }

  forget(node: string): void {
    this.#seen.delete(node);
  }

  /** Milliseconds until the node has been silent for `graceMs`; 0 or less: it has. A node never seen is seen now. */
  leftMs(node: string, graceMs: number, nowMs: number): number {
    const seen = this.#seen.get(node) ?? { mark: '', atMs: nowMs };
    this.#seen.set(node, seen);
    return seen.atMs + graceMs - nowMs;
  }
}
