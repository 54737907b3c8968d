/** What was found out about one name; this is what `-o json` prints. */
export interface Report {
  readonly name: string;
  readonly types: readonly string[];
  readonly client: ClientReport;
  readonly steps: readonly Step[];
  readonly result: Result;
  /** What musl's resolver (Alpine) makes of the same answers, when it is something else. */
  readonly musl?: string;
  /** What could not be looked at, and what is to be known beside. */
  readonly notes: readonly string[];
  /** What to do next; empty when all is well. */
  readonly next: readonly string[];
}

/** Whose resolver configuration is followed. */
export interface ClientReport {
  /** `Pod default/client (dnsPolicy ClusterFirst)`, `this machine (/etc/resolv.conf)` */
  readonly source: string;
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/**
 * `found`: records of the type; `no-record`: the name is there without such records (NODATA); `no-name`: NXDOMAIN;
 * `failed`: SERVFAIL, REFUSED and the like; `silent`: no answer at all.
 */
export type Outcome = 'found' | 'no-record' | 'no-name' | 'failed' | 'silent';

/** One name of the search list. */
export interface Step {
  readonly name: string;
  /** The search domain that made it of the name that was given. */
  readonly suffix?: string;
  readonly outcome: Outcome;
  readonly questions: readonly Asked[];
}

/** One question and its answer. */
export interface Asked {
  readonly type: string;
  readonly outcome: Outcome;
  /** Who answered, or was asked last. */
  readonly server: string;
  readonly transport?: 'udp' | 'tcp';
  readonly rcode?: string;
  /** Of the answer section, as a zone file has them. */
  readonly records: readonly string[];
  /** Where the server has it from: its plugin, and the resolver that it asked. */
  readonly origin?: string;
  /** By the server's own word (RFC 8914). */
  readonly extendedError?: { readonly code: number; readonly text: string };
  /** Why there is no such record: the server's word, else what the API server's objects say. */
  readonly reason?: string;
  /** The answer that the API server's objects would make, when the server's is another one. */
  readonly expected?: string;
  /** Name servers that were asked before, and what became of it. */
  readonly before?: readonly string[];
}

export interface Result {
  readonly outcome: Outcome;
  /** The name that has the records. */
  readonly name?: string;
  readonly records: readonly string[];
  readonly sentence: string;
}
