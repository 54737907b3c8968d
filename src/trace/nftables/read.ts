import { KernelError } from '../../kernel/errors.ts';
import type { NetlinkSocket } from '../../kernel/port.ts';
import { decodeAnswer, errnoNumber, type NetlinkMessage } from '../../wire/netlink/mod.ts';
import {
  decodeChain,
  decodeElements,
  decodeGeneration,
  decodeRule,
  decodeSet,
  type Element,
  type Expression,
  Family,
  requestChains,
  requestElements,
  requestGeneration,
  requestRules,
  requestSets,
} from '../../wire/nftables/mod.ts';
import type { TraceFamily } from '../packet.ts';
import type { NftChain, NftSet, NftTable } from './table.ts';

/** Somebody who changes rules in a tight loop could keep us reading for ever. */
const attemptLimit = 20;

/**
 * Every nftables table of the family in the socket's network namespace (`netfilter`), as of one moment. Throws KernelError:
 * `EBUSY` when the rules do not stand still.
 */
export function readNftables(socket: NetlinkSocket, family: TraceFamily): NftTable[] {
  const reader = new Reader(socket, family);
  for (let attempt = 0; attempt < attemptLimit; attempt++) {
    const tables = reader.read();
    if (tables) return tables;
  }
  throw kernelError('EBUSY', `the rules changed during each of ${attemptLimit} attempts`);
}

class Reader {
  readonly #socket: NetlinkSocket;
  readonly #family: TraceFamily;

  constructor(socket: NetlinkSocket, family: TraceFamily) {
    this.#socket = socket;
    this.#family = family;
  }

  /** Undefined when the rules changed meanwhile: what was read may not fit together. */
  read(): NftTable[] | undefined {
    const generation = this.#generation();
    const chains = this.#ask(requestChains(this.#number, sequence))?.map(({ payload }) => decodeChain(payload));
    if (chains === undefined) return undefined;
    const tables: NftTable[] = [];
    for (const [name, own] of Map.groupBy(chains, ({ table }) => table)) {
      const rules = this.#ask(requestRules(this.#number, name, sequence));
      const sets = this.#sets(name);
      if (!rules || !sets) return undefined;
      const byChain = Map.groupBy(
        rules.map(({ payload }) => decodeRule(payload)),
        ({ chain }) => chain,
      );
      const rulesOf = (chain: string): (readonly Expression[])[] =>
        (byChain.get(chain) ?? []).map(({ expressions }) => expressions);
      const list = own.map(({ table: _, ...chain }): NftChain => ({ chain, rules: rulesOf(chain.name) }));
      tables.push({ family: this.#family, name, chains: list, sets });
    }
    return this.#generation() === generation ? tables : undefined;
  }

  get #number(): Family {
    return this.#family === 'IPv4' ? Family.ipv4 : Family.ipv6;
  }

  #sets(table: string): NftSet[] | undefined {
    const messages = this.#ask(requestSets(this.#number, table, sequence));
    if (messages === undefined) return undefined;
    const sets: NftSet[] = [];
    for (const { payload } of messages) {
      const { set: definition, count, holdsRanges = false } = decodeSet(payload);
      const dump = this.#ask(requestElements(this.#number, table, definition.name, sequence));
      if (dump === undefined) return undefined;
      const elements = new Map<string, Element>();
      for (const message of dump) {
        decodeElements(message.payload, (_, element) => elements.set(element.key.toString('hex'), element));
      }
      // While the kernel moves a set to a larger hash table, a dump leaves elements out and shows others twice.
      const isWhole = count === undefined || definition.dynamic || count === elements.size;
      if (!isWhole) return undefined;
      sets.push({ definition, elements: [...elements.values()], holdsRanges });
    }
    return sets;
  }

  #generation(): number {
    const [message] = this.#ask(requestGeneration(sequence)) ?? [];
    return (message && decodeGeneration(message.payload)) ?? 0;
  }

  /** Undefined: what was asked for changed or went away meanwhile. */
  #ask(request: Buffer): NetlinkMessage[] | undefined {
    const { messages, errors, interrupted } = decodeAnswer(this.#socket.exchange(request));
    if (interrupted || errors.some(({ code }) => code === 'EINTR' || code === 'ENOENT')) return undefined;
    const [error] = errors;
    if (error) throw kernelError(error.code, error.message);
    return messages;
  }
}

/** One request at a time, so that none needs a number of its own. */
const sequence = 1;

const kernelError = (code: string, kernelMessage: string | undefined): KernelError =>
  new KernelError(
    'Read nftables',
    { code, number: errnoNumber(code) ?? 0 },
    { ...(kernelMessage !== undefined && { kernelMessage }) },
  );
