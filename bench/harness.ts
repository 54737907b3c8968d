/** What a benchmark of this folder is: `tools/bench.ts` runs it, and the tests run it tiny so that it never rots. */
export interface Benchmark {
  readonly name: string;
  /** One line for the list. */
  readonly description: string;
  /** Other people's programs that it cannot do without. */
  readonly needs?: readonly string[];
  run(context: BenchmarkContext): Promise<BenchmarkResult>;
}

export interface BenchmarkContext {
  /** Small sizes and few samples: to see that it runs, not what it says. */
  readonly tiny: boolean;
  /** Whether somebody wants the rows that have these columns; without `--only` all of them. */
  wants(columns: Readonly<Record<string, string | number>>): boolean;
  progress(text: string): void;
}

export const everything: BenchmarkContext['wants'] = () => true;

/**
 * Of `dataplane=nftables services=1000,10000`: rows agree with each of them, as far as they have the column. Throws
 * TypeError for what cannot be read.
 */
export function wantsOnly(words: readonly string[]): BenchmarkContext['wants'] {
  const wanted = words.map((word) => {
    const [column, values] = word.split('=');
    if (!column || !values)
      throw new TypeError(`Cannot read ${JSON.stringify(word)}: it is not COLUMN=VALUE[,VALUE ...]`);
    return { column, values: values.split(',') };
  });
  return (columns) =>
    wanted.every(({ column, values }) => !(column in columns) || values.includes(String(columns[column])));
}

export interface BenchmarkResult {
  /** What the figures depend on, beyond the machine's facts that the runner adds. */
  readonly conditions: Readonly<Record<string, unknown>>;
  /** Columns end in their units: `p50Us`, `bytes`. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  /** Every sample, for the file of raw data. */
  readonly samples?: Readonly<Record<string, readonly number[]>>;
}

/** The value below which `share` (0 to 1) of the samples lie; by the nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}
