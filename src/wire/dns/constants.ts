/** RFC 1035 section 3.2.2 and the IANA registry "Resource Record (RR) TYPEs"; those that the code names. */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
} as const;

const typeNames = new Map<number, string>(Object.entries(recordTypes).map(([name, type]) => [type, name]));

/** `SRV`; those without a name here as RFC 3597 section 5 writes them, `TYPE65`. */
export const typeText = (type: number): string => typeNames.get(type) ?? `TYPE${type}`;

export const recordClasses = { IN: 1, CH: 3 } as const;

/** Response codes; those over 15 need an OPT record to carry their upper bits (RFC 6891 section 6.1.3). */
export const responseCodes = {
  NoError: 0,
  FormErr: 1,
  ServFail: 2,
  NXDomain: 3,
  NotImp: 4,
  Refused: 5,
  NotAuth: 9,
  BadVers: 16,
} as const;

const rcodeNames = new Map<number, string>(
  Object.entries(responseCodes).map(([name, code]) => [code, name.toUpperCase()]),
);

/** As dig writes it: `NXDOMAIN`. */
export const rcodeText = (code: number): string => rcodeNames.get(code) ?? `RCODE${code}`;

/** Extended DNS Errors, RFC 8914 section 4. */
export const extendedErrors = {
  Other: 0,
  StaleAnswer: 3,
  NotReady: 14,
  Prohibited: 18,
  StaleNXDomainAnswer: 19,
  NotSupported: 21,
  NoReachableAuthority: 22,
  NetworkError: 23,
  InvalidData: 24,
} as const;

/** Bits of the header's second 16-bit word (RFC 1035 section 4.1.1, RFC 4035 for AD and CD). */
export const headerFlags = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;

export const opcodes = { Query: 0 } as const;

export const headerBytes = 12;
/** Without EDNS nobody may be sent more over UDP (RFC 1035 section 4.2.1). */
export const plainUdpBytes = 512;
/** Passes an IPv6 path of minimum MTU in one piece: what DNS flag day 2020 settled on. */
export const safeUdpBytes = 1232;
export const maxMessageBytes = 65_535;
