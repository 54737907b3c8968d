import { encodeReadyAnswer, type ReadyAnswer, type ResourceRecord, recordTypes, wireOf } from '../../wire/dns/mod.ts';

export interface RecordSet {
  readonly answers: readonly ResourceRecord[];
  /** What a client that got these answers will ask for next. */
  readonly additionals?: readonly ResourceRecord[];
}

/** Records of a name by their type, made when somebody asks: a Service with a thousand endpoints has many SRV records. */
export type RecordSets = ReadonlyMap<number, () => RecordSet>;

/** A name that exists. It may have no records at all (an empty non-terminal, RFC 8499). */
export class ZoneName {
  readonly #key: string;
  readonly #sets: RecordSets;
  readonly #ready = new Map<number, ReadyAnswer | undefined>();

  constructor(key: string, sets: RecordSets) {
    this.#key = key;
    this.#sets = sets;
  }

  /** Undefined: no records of this type (NODATA). A CNAME is found under its own type only. */
  answer(type: number): ReadyAnswer | undefined {
    const known = this.#ready.get(type);
    if (known || this.#ready.has(type)) return known;
    const { answers, additionals } = this.records(type);
    const ready = answers.length === 0 ? undefined : encodeReadyAnswer(wireOf(this.#key), answers, additionals);
    if (this.#sets.has(type)) this.#ready.set(type, ready);
    return ready;
  }

  records(type: number): RecordSet {
    return this.#sets.get(type)?.() ?? { answers: [] };
  }

  get isAlias(): boolean {
    return this.#sets.has(recordTypes.CNAME);
  }
}
