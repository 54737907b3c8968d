import { encodeReadyAnswer, type ReadyAnswer, type ResourceRecord, recordTypes, wireOf } from '../../wire/dns/mod.ts';

export interface RecordSet {
  readonly answers: readonly ResourceRecord[];
  /** What a client that got these answers will ask for next. */
  readonly additionals?: readonly ResourceRecord[];
}

/** Records of a name by their type, made when somebody asks: a Service with a thousand endpoints has many SRV records. */
export type RecordSets = ReadonlyMap<number, () => RecordSet>;

/** What was made ready of a name, for one type after the other: most names are asked for one or two. */
interface Ready {
  readonly type: number;
  readonly answer: ReadyAnswer | undefined;
  readonly next: Ready | undefined;
}

/** A name that exists. It may have no records at all (an empty non-terminal, RFC 8499). */
export class ZoneName {
  readonly isAlias: boolean;
  readonly #key: string;
  readonly #sets: RecordSets | (() => RecordSets);
  #ready: Ready | undefined;

  /** @param again finds the same sets once more: for names that are kept, and should not keep their sets */
  constructor(key: string, sets: RecordSets, again?: () => RecordSets) {
    this.isAlias = sets.has(recordTypes.CNAME);
    this.#key = key;
    this.#sets = again ?? sets;
  }

  /** Undefined: no records of this type (NODATA). A CNAME is found under its own type only. */
  answer(type: number): ReadyAnswer | undefined {
    for (let ready = this.#ready; ready; ready = ready.next) if (ready.type === type) return ready.answer;
    return this.#make(type);
  }

  records(type: number): RecordSet {
    return this.#find().get(type)?.() ?? { answers: [] };
  }

  #make(type: number): ReadyAnswer | undefined {
    const set = this.#find().get(type)?.();
    // Of types that the name can never have there are tens of thousands.
    if (!set) return undefined;
    const { answers, additionals } = set;
    const answer = answers.length === 0 ? undefined : encodeReadyAnswer(wireOf(this.#key), answers, additionals);
    this.#ready = { type, answer, next: this.#ready };
    return answer;
  }

  #find(): RecordSets {
    return typeof this.#sets === 'function' ? this.#sets() : this.#sets;
  }
}
