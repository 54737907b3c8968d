import ipaddr from 'ipaddr.js';
import { UsageError } from '../../../base/errors.ts';
import type { AclOptions, AclRule } from '../../plugins/acl.ts';
import { parseReceiver } from '../../server/mod.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { ChaosDirective, TransferDirective } from '../options.ts';
import type { ReadContext } from '../read.ts';
import type { Token } from '../token.ts';
import { recordTypeOf } from './names.ts';

const actions = ['allow', 'block', 'filter', 'drop'] as const;

/** https://coredns.io/plugins/acl/ */
export function readAcl(words: Words, context: ReadContext): AclOptions {
  const zones = words.zones(context.zones);
  const rules: AclRule[] = [];
  const read = (action: AclRule['action']) => (rule: Words) => void rules.push({ action, ...readAclRule(rule) });
  words.properties(Object.fromEntries(actions.map((action) => [action, read(action)])));
  return { zones, rules };
}

function readAclRule(rule: Words): Omit<AclRule, 'action'> {
  let types: number[] | undefined;
  let sources: string[] | undefined;
  let section: 'type' | 'net' | undefined;
  for (const token of rule.rest()) {
    if (token.text === 'type' || token.text === 'net') section = token.text;
    else if (section === undefined) throw mistake(token, `${JSON.stringify(token.text)} is neither type nor net`);
    else if (token.text === '*') continue;
    else if (section === 'type') types = [...(types ?? []), aclType(token)];
    else sources = [...(sources ?? []), aclSource(token)];
  }
  return { types, sources };
}

function aclType(token: Token): number {
  const type = recordTypeOf(token.text);
  if (type === undefined) throw mistake(token, `${JSON.stringify(token.text)} of acl is not a record type`);
  return type;
}

function aclSource(token: Token): string {
  const text = token.text.includes('/') ? token.text : `${token.text}/${token.text.includes(':') ? 128 : 32}`;
  if (!ipaddr.isValidCIDR(text))
    throw mistake(token, `${JSON.stringify(token.text)} of acl is not an address or a range`);
  return text;
}

/** `lo` and other names of interfaces are resolved by who listens. */
export function readBind(words: Words): string[] {
  const addresses = words.rest(1, 'an address or an interface').map(({ text }) => text);
  words.end({ withBlock: true });
  words.properties({
    except: (property) => {
      throw mistake(property.name, 'except of bind is not supported');
    },
  });
  return addresses;
}

export function readBufsize(words: Words): { bytes: number } {
  const bytes = words.hasMore ? words.wholeNumber(512, 4096) : 1232;
  words.end();
  return { bytes };
}

export function readLoadbalance(words: Words): true {
  const policy = words.hasMore ? words.next('a policy') : undefined;
  if (policy && policy.text !== 'round_robin') {
    const state = policy.text === 'weighted' ? 'is not supported' : 'is unknown';
    throw mistake(policy, `policy ${policy.text} of loadbalance ${state}, only round_robin is`);
  }
  words.end({ withBlock: true });
  words.properties({
    prefer: (property) => {
      throw mistake(property.name, 'prefer of loadbalance is not supported');
    },
  });
  return true;
}

/** https://coredns.io/plugins/chaos/ */
export function readChaos(words: Words): ChaosDirective {
  const [version, ...authors] = words.rest().map(({ text }) => text);
  words.end();
  return { version, authors };
}

/** https://coredns.io/plugins/transfer/ */
export function readTransfer(words: Words, context: ReadContext): TransferDirective {
  const zones = words.zones(context.zones);
  const to: string[] = [];
  words.properties({
    to: (property) => {
      for (const token of property.rest(1, 'an address, a range or *')) to.push(readReceiver(token));
    },
  });
  if (to.length === 0) throw mistake(words.name, 'transfer needs a line such as: to 192.0.2.53');
  return { zones, to };
}

function readReceiver(token: Token): string {
  try {
    parseReceiver(token.text);
    return token.text;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw mistake(token, `${JSON.stringify(token.text)} of to of transfer is not an address, a range or *`);
  }
}

/** A directive without arguments. */
export function readFlag(words: Words): true {
  words.end();
  return true;
}
