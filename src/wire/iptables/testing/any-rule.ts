import fc from 'fast-check';
import {
  type ConntrackState,
  conntrackStates,
  type Family,
  type Match,
  type Prefix,
  portUnreachable,
  probabilityOne,
  type Rule,
  type Target,
} from '../mod.ts';

/** Rules of every form that both kernel interfaces take, in the one form in which iptables prints them. */
export function anyRule(family: Family): fc.Arbitrary<Rule> {
  return fc
    .record({
      source: option(prefix(family)),
      destination: option(prefix(family)),
      inInterface: option(fc.constantFrom('eth0', 'veth+', 'cbr0').map((name) => ({ name, inverted: true }) as const)),
      protocol: option(protocols.map((name) => ({ name }))),
      extra: fc.uniqueArray(match(family), { selector: ({ kind }) => kind, maxLength: 3 }),
      ports: option(fc.tuple(option(ports), option(ports)).map(([source, destination]) => ({ source, destination }))),
      target: option(target(family)),
    })
    .map(({ source, destination, inInterface, protocol, extra, ports: range, target: to }) => {
      // A target that needs ports, or a reset, needs the protocol; `-m tcp` does as well.
      const needsProtocol = to?.kind === 'DNAT' || to?.kind === 'REDIRECT';
      const name = protocol?.name ?? 'tcp';
      const hasProtocol = protocol !== undefined || needsProtocol || range !== undefined;
      const portsMatch = range && clean({ kind: 'ports' as const, protocol: name, ...range });
      return clean({
        source,
        destination,
        inInterface,
        protocol: hasProtocol ? { name } : undefined,
        matches: [...extra, ...(portsMatch ? [portsMatch] : [])],
        target: to,
      }) as Rule;
    });
}

const option = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

/** Without properties that are undefined, as rules are written. */
const clean = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const protocols = fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const);
const not = option(fc.constant(true as const));

const prefix = (family: Family): fc.Arbitrary<Prefix> =>
  (family === 'IPv4'
    ? fc.constantFrom(['10.0.0.1', 32], ['10.0.0.0', 8], ['192.168.128.0', 17], ['172.16.0.0', 12])
    : fc.constantFrom(['fd00::1', 128], ['fd00::', 8], ['fd00:10::', 33], ['2001:db8::', 64])
  ).chain(([address, length]) =>
    not.map((inverted) => clean({ address: address as string, length: length as number, inverted }) as Prefix),
  );

const ports = fc
  .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

const marks = fc.record({
  value: fc.nat(0x7fffffff),
  mask: fc.constantFrom(0xffffffff, 0x4000, 0xff00),
});

function match(family: Family): fc.Arbitrary<Match> {
  return fc.oneof(
    fc.stringMatching(/^[\w"'\\ :/>-]{1,60}$/).map((text) => ({ kind: 'comment', text: text.trim() || 'x' }) as const),
    marks.map(({ value, mask }) => ({ kind: 'mark', value: (value & mask) >>> 0, mask }) as const),
    fc.constant({ kind: 'addrtype', destination: { types: ['LOCAL'] } } as const),
    fc.constant({ kind: 'addrtype', source: { types: ['UNICAST', 'LOCAL'], inverted: true } } as const),
    fc.integer({ min: 1, max: probabilityOne - 1 }).map((probability) => ({ kind: 'statistic', probability }) as const),
    fc
      .subarray(conntrackStates as ConntrackState[], { minLength: 1 })
      .map((states) => ({ kind: 'conntrack', states }) as const),
    fc
      .record({
        name: fc.stringMatching(/^KUBE-SEP-[A-Z2-7]{16}$/),
        seconds: option(fc.integer({ min: 1, max: 86_400 })),
      })
      .map(
        ({ name, seconds }) =>
          ({
            kind: 'recent',
            do: seconds === undefined ? 'set' : 'rcheck',
            ...(seconds !== undefined && { seconds, reap: true as const }),
            name,
            mask: family === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
            side: 'source',
          }) as const,
      ),
  );
}

function target(family: Family): fc.Arbitrary<Target> {
  const address = family === 'IPv4' ? '10.244.1.7' : 'fd00:244::7';
  return fc.oneof(
    fc.constant({ kind: 'jump', chain: 'KUBE-MARK-MASQ' } as const),
    fc.constantFrom({ kind: 'ACCEPT' } as const, { kind: 'RETURN' } as const),
    marks.map(({ value, mask }) => ({ kind: 'MARK', value, mask }) as const),
    fc.integer({ min: 1, max: 65_535 }).map((port) => ({ kind: 'DNAT', address, port }) as const),
    fc.integer({ min: 1, max: 65_535 }).map((port) => ({ kind: 'REDIRECT', port }) as const),
    fc.constant({ kind: 'REJECT', with: portUnreachable(family) } as const),
  );
}
