import type { TLSSocket } from 'node:tls';
import type { User } from '../../base/exchange.ts';
import { anonymous } from '../authorization/users.ts';

/** Who is at the other end, by the client certificate; `refused`: they showed one that is not of our authority. */
export type Identity = User | 'refused';

/** X.509 client certificates as Kubernetes reads them: the common name is the user, organizations are groups. */
export function identityOf(socket: TLSSocket): Identity {
  const subject = socket.getPeerCertificate()?.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  if (!subject) return anonymous;
  const [name] = listOf(subject.CN);
  if (!socket.authorized || !name) return 'refused';
  return { name, groups: [...listOf(subject.O), 'system:authenticated'] };
}

const listOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
