/** What the proxy has done since it started, in all families. */
export interface ProxyCounters {
  /** Sets of events carried out, the first aside. */
  syncs: number;
  /** Times that the whole plan of a family was compared with the kernel. */
  convergences: number;
  servicesTouched: number;
  operations: number;
  messages: number;
  bytes: number;
  failures: number;
  /** Times that the kernel did not hold what we had written. */
  repairs: number;
}

export const newCounters = (): ProxyCounters => ({
  syncs: 0,
  convergences: 0,
  servicesTouched: 0,
  operations: 0,
  messages: 0,
  bytes: 0,
  failures: 0,
  repairs: 0,
});
