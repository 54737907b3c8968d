import type { Expression } from './expressions.ts';
import type { Verdict } from './verdict.ts';

/** One expression as a person reads it, much as `nft --debug=netlink` would: `cmp reg 12 == 00000000`. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'payload':
      return `reg ${expression.register} = ${expression.length}b of ${expression.base} header at ${expression.offset}`;
    case 'meta':
      return `reg ${expression.register} = meta ${expression.key}`;
    case 'meta-set':
      return `meta ${expression.key} = reg ${expression.source}`;
    case 'conntrack':
      return `reg ${expression.register} = ct ${expression.key}`;
    case 'fib-daddr-type':
      return `reg ${expression.register} = fib daddr type`;
    case 'fib-saddr-type':
      return `reg ${expression.register} = fib saddr type`;
    case 'immediate':
      return `reg ${expression.register} = 0x${expression.value}`;
    case 'verdict':
      return formatVerdict(expression.verdict);
    case 'bitwise':
      return `reg ${expression.register} = reg ${expression.source} & 0x${expression.mask} ^ 0x${expression.xor}`;
    case 'compare':
      return `reg ${expression.source} ${expression.operator} 0x${expression.value}`;
    case 'lookup':
      return formatLookup(expression);
    case 'random':
      return `reg ${expression.register} = random mod ${expression.modulus}${expression.offset ? ` offset ${expression.offset}` : ''}`;
    case 'dynamic':
      return `${expression.operation} reg ${expression.source} in @${expression.set}${expression.timeoutMs ? ` for ${expression.timeoutMs} ms` : ''}`;
    case 'dnat':
      return `dnat to reg ${expression.address} port reg ${expression.port}`;
    case 'masquerade':
      return `masquerade flags 0x${expression.flags.toString(16)}`;
    case 'reject':
      return expression.with === 'icmp' ? `reject with icmp code ${expression.code}` : 'reject with tcp reset';
    case 'foreign':
      return `foreign ${expression.name}`;
  }
}

export const formatVerdict = (verdict: Verdict): string =>
  'chain' in verdict ? `${verdict.kind} ${verdict.chain}` : verdict.kind;

function formatLookup({ set, source, register, inverted }: Extract<Expression, { kind: 'lookup' }>): string {
  const found = `reg ${source} ${inverted ? 'not ' : ''}in @${set}`;
  if (register === undefined) return found;
  return register === 'verdict' ? `verdict of ${found}` : `reg ${register} = value of ${found}`;
}
