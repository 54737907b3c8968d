import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/** One line of a metric's text: its labels and where it stands now. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Description {
  readonly name: string;
  readonly help: string;
}

type Kind = 'counter' | 'gauge' | 'histogram';

/**
 * A metric whose values are kept elsewhere, as plain numbers, and only looked at when somebody scrapes: prom-client's own
 * counters hash their labels each time they count, which costs more than an answer.
 */
function register(registry: Registry, type: Kind, { name, help }: Description, values: () => MetricValue<string>[]) {
  const get = async (): Promise<MetricObjectWithValues<MetricValue<string>>> =>
    ({ name, help, type, aggregator: 'sum', values: values() }) as unknown as MetricObjectWithValues<
      MetricValue<string>
    >;
  registry.registerMetric({ name, help, get, reset: () => {} } as unknown as Metric);
}

const plain = (samples: Iterable<Sample>): MetricValue<string>[] =>
  Array.from(samples, ({ labels = {}, value }) => ({ labels, value }));

export const counter = (registry: Registry, description: Description, samples: () => Iterable<Sample>): void =>
  register(registry, 'counter', description, () => plain(samples()));

export const gauge = (registry: Registry, description: Description, samples: () => Iterable<Sample>): void =>
  register(registry, 'gauge', description, () => plain(samples()));

export const histogram = (
  registry: Registry,
  description: Description,
  samples: () => Iterable<{ readonly labels: Sample['labels']; readonly value: Distribution }>,
): void =>
  register(registry, 'histogram', description, () =>
    Array.from(samples(), ({ labels = {}, value }) => value.values(description.name, labels)).flat(),
  );

/** How many observations were how large. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** `bounds` rise; what is larger than the last one is counted behind it. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.#counts[at]! += 1;
    this.#sum += value;
  }

  get count(): number {
    return this.#counts.reduce((sum, some) => sum + some, 0);
  }

  values(name: string, labels: NonNullable<Sample['labels']>): MetricValue<string>[] {
    const found: MetricValue<string>[] = [];
    let count = 0;
    for (const [at, some] of this.#counts.entries()) {
      count += some;
      const le = this.#bounds[at] ?? '+Inf';
      found.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: count } as MetricValue<string>);
    }
    found.push({ metricName: `${name}_sum`, labels, value: this.#sum } as MetricValue<string>);
    found.push({ metricName: `${name}_count`, labels, value: count } as MetricValue<string>);
    return found;
  }
}

export const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => start * factor ** index);
