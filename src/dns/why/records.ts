import type { Answer, DecodedPacket, OptAnswer } from 'dns-packet';

/** A record as a zone file has it: `web.default.svc.cluster.local. 5 IN A 10.96.1.1`. Undefined for what is no data. */
export const recordLine = (record: Answer): string | undefined =>
  record.type === 'OPT' || !('ttl' in record)
    ? undefined
    : `${dotted(record.name)} ${record.ttl} IN ${record.type} ${recordData(record)}`;

/** Its data alone. */
export function recordData(record: Answer): string {
  switch (record.type) {
    case 'SRV': {
      const { priority, weight, port, target } = record.data;
      return `${priority} ${weight} ${port} ${dotted(target)}`;
    }
    case 'MX':
      return `${record.data.preference ?? 0} ${dotted(record.data.exchange)}`;
    case 'NAPTR': {
      const { order, preference, flags, services, regexp, replacement } = record.data;
      return `${order} ${preference} "${flags}" "${services}" "${regexp}" ${dotted(replacement)}`;
    }
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return `${dotted(mname)} ${dotted(rname)} ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
    }
    case 'TXT':
      return [record.data]
        .flat()
        .map((text) => JSON.stringify(text.toString()))
        .join(' ');
    case 'HINFO':
      return `"${record.data.cpu}" "${record.data.os}"`;
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return dotted(record.data);
    default:
      return 'data' in record ? String(record.data) : '';
  }
}

const dotted = (name: string): string => (name === '.' ? name : `${name}.`);

/** What an EDNS option of the message holds. */
export function optionOf(message: DecodedPacket, wanted: number): Buffer | undefined {
  const opt = message.additionals?.find((record): record is OptAnswer => record.type === 'OPT');
  const options: readonly { code: number; data?: Buffer }[] = opt?.options ?? [];
  return options.find(({ code }) => code === wanted)?.data;
}
