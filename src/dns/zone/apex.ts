import {
  encodeName,
  encodeReadyAnswer,
  type ReadyRecords,
  type ResourceRecord,
  soaRecord,
} from '../../wire/dns/mod.ts';

export interface ApexOptions {
  /** The zone's name: `cluster.local`. */
  readonly zone: string;
  /** Whose name server answers for it: `ns.dns.cluster.local`. */
  readonly clusterDomain: string;
  readonly ttlSeconds: number;
}

/** The top of a zone: its SOA record, which every negative answer carries (RFC 2308 section 3). */
export class Apex {
  readonly zone: string;
  readonly wireName: Uint8Array;
  /** The SOA record of an answer whose question is the zone itself, owner name aside. */
  readonly #soaTail: Buffer;
  readonly #options: ApexOptions;

  constructor(options: ApexOptions) {
    this.#options = options;
    this.zone = options.zone;
    this.wireName = encodeName(options.zone);
    const { bytes } = encodeReadyAnswer(encodeName('.'), [this.#uncompressedSoa(0)]).answers;
    this.#soaTail = Buffer.from(bytes.subarray(this.wireName.length));
  }

  /** `serial` is in seconds, as CoreDNS has it: when the zone last changed. */
  soa(serial: number): ResourceRecord {
    return this.#uncompressedSoa(serial);
  }

  /** The SOA for the authority section under a question in this zone; `nameBytes` is the length of the question's name. */
  negative(nameBytes: number, serial: number): ReadyRecords {
    const owner = 0xc000 | (12 + nameBytes - this.wireName.length);
    const bytes = Buffer.allocUnsafe(2 + this.#soaTail.length);
    bytes.writeUInt16BE(owner, 0);
    bytes.set(this.#soaTail, 2);
    bytes.writeUInt32BE(serial >>> 0, bytes.length - 20);
    return { bytes, ends: [bytes.length] };
  }

  #uncompressedSoa(serial: number): ResourceRecord {
    const { clusterDomain, ttlSeconds } = this.#options;
    const soa = {
      primary: encodeName(`ns.dns.${clusterDomain}`),
      mailbox: encodeName(`hostmaster.${clusterDomain}`),
      serial,
      refreshSeconds: 7200,
      retrySeconds: 1800,
      expireSeconds: 86_400,
      negativeTtlSeconds: ttlSeconds,
    };
    return soaRecord(this.wireName, soa, ttlSeconds);
  }
}
