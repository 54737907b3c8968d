import ipaddr from 'ipaddr.js';
import {
  addressRecord,
  encodeName,
  encodeReadyAnswer,
  keyOf,
  responseCodes,
  srvRecord,
  wireOf,
} from '../../wire/dns/mod.ts';
import type { Plugin } from '../chain/port.ts';

/** Tells every client, in the additional section as CoreDNS does, from which address and port its question came. */
export const createWhoamiPlugin = (): Plugin => () => (question) => {
  const { query, client, transport } = question;
  const name = wireOf(query.key);
  const address = ipaddr.process(client.address.split('%', 1)[0]!);
  const service = wireOf(keyOf(`_${transport.kind}`).slice(0, -1) + query.key);
  const additionals = [
    addressRecord(name, Uint8Array.from(address.toByteArray()), 0),
    srvRecord(service, { priority: 0, weight: 0, port: client.port, target: encodeName('.') }, 0),
  ];
  return {
    kind: 'ready',
    from: 'whoami',
    response: {
      rcode: responseCodes.NoError,
      authoritative: true,
      recursionAvailable: false,
      answer: encodeReadyAnswer(name, [], additionals),
    },
  };
};
