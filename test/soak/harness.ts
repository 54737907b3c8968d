/** What `npm run soak` runs: what takes longer than a test may. The tests run it short, so that it never rots. */
export interface Soak {
  readonly name: string;
  /** One line for the list. */
  readonly description: string;
  /** How many rounds make it a soak. */
  readonly rounds: number;
  /** Rejects when something is wrong; the same seed fails again. Resolves with what was counted. */
  run(context: SoakContext): Promise<Readonly<Record<string, number>>>;
}

export interface SoakContext {
  readonly seed: number;
  readonly rounds: number;
  progress(text: string): void;
}
