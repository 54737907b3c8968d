import { isIPv6 } from 'node:net';
import { MalformedError } from '../netlink/mod.ts';
import type { AddressType, AddressTypeMatch, ConntrackState, Match, PortRange, Prefix, Rule, Target } from './model.ts';
import { conntrackStates, probabilityOne } from './print-rule.ts';

const operation = 'Read iptables rule';

/** Reads what stands behind `-A CHAIN`. Throws MalformedError for what no iptables prints. */
export function parseRule(text: string): Rule {
  return new RuleParser(split(text)).parse();
}

/** Words, of which quoted ones may hold spaces; quotes and backslashes as xtables_save_string writes them. */
function split(text: string): string[] {
  const words: string[] = [];
  for (const [, bare, quoted] of text.matchAll(/([^\s"]+)|"((?:[^"\\]|\\.)*)"/g)) {
    words.push(bare ?? quoted!.replace(/\\(.)/g, '$1'));
  }
  return words;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One option of an extension: `! --dport 80`. */
interface Option {
  readonly name: string;
  readonly values: readonly string[];
  readonly inverted: boolean;
}

class RuleParser {
  readonly #words: readonly string[];
  #next = 0;
  readonly #rule: Writable<Rule> & { matches: Match[] } = { matches: [] };

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  parse(): Rule {
    while (this.#next < this.#words.length) this.#part();
    return this.#rule;
  }

  #part(): void {
    const rule = this.#rule;
    const inverted = this.#peek() === '!' && this.#take() === '!';
    const not = inverted ? ({ inverted: true } as const) : {};
    const word = this.#take();
    switch (word) {
      case '-s':
        rule.source = { ...prefix(this.#take()), ...not };
        return;
      case '-d':
        rule.destination = { ...prefix(this.#take()), ...not };
        return;
      case '-i':
        rule.inInterface = { name: this.#take(), ...not };
        return;
      case '-o':
        rule.outInterface = { name: this.#take(), ...not };
        return;
      case '-p':
        rule.protocol = { name: this.#take(), ...not };
        return;
      case '-m':
        rule.matches.push(matchOf(this.#take(), this.#options()));
        return;
      case '-j':
        rule.target = targetOf(this.#take(), this.#options());
        return;
      case '-g':
        rule.target = { kind: 'goto', chain: this.#take() };
        return;
      default:
        throw new MalformedError(operation, `"${word}" where -s, -d, -i, -o, -p, -m, -j or -g was expected`);
    }
  }

  /** All options up to the next part of the rule. */
  #options(): Option[] {
    const options: Option[] = [];
    for (;;) {
      const inverted = this.#peek() === '!' && this.#peek(1)?.startsWith('--') === true;
      if (inverted) this.#take();
      if (!this.#peek()?.startsWith('--')) return options;
      const name = this.#take();
      const values: string[] = [];
      // A value may begin with a dash of its own only where it was quoted, which no option but the comment's does.
      while (
        this.#peek() !== undefined &&
        this.#peek() !== '!' &&
        (name === '--comment' || !this.#peek()!.startsWith('-'))
      ) {
        values.push(this.#take());
        if (name === '--comment') break;
      }
      options.push({ name, values, inverted });
    }
  }

  #peek(ahead = 0): string | undefined {
    return this.#words[this.#next + ahead];
  }

  #take(): string {
    const word = this.#words[this.#next++];
    if (word === undefined) throw new MalformedError(operation, `it ends where a word was expected`);
    return word;
  }
}

/** Each returns undefined for a form of the extension that this program does not know. */
const matchReaders: Readonly<Record<string, (options: Options) => Match | undefined>> = {
  comment: (options) => {
    const text = options.value('--comment');
    return text === undefined ? undefined : { kind: 'comment', text };
  },
  tcp: (options) => portsMatch('tcp', options),
  udp: (options) => portsMatch('udp', options),
  sctp: (options) => portsMatch('sctp', options),
  mark: (options) => {
    const mark = options.value('--mark');
    return mark === undefined ? undefined : { kind: 'mark', ...maskedMark(mark), ...options.not('--mark') };
  },
  addrtype: (options) => {
    const source = addressTypes(options, '--src-type');
    const destination = addressTypes(options, '--dst-type');
    return { kind: 'addrtype', ...(source && { source }), ...(destination && { destination }) };
  },
  statistic: (options) => {
    const probability = options.value('--probability');
    if (options.value('--mode') !== 'random' || probability === undefined) return undefined;
    return {
      kind: 'statistic',
      probability: Math.round(Number(probability) * probabilityOne),
      ...options.not('--probability'),
    };
  },
  conntrack: (options) => {
    const states = options.value('--ctstate')?.split(',') as ConntrackState[] | undefined;
    if (!states?.every((state) => conntrackStates.includes(state))) return undefined;
    return { kind: 'conntrack', states, ...options.not('--ctstate') };
  },
  recent: (options) => {
    const action = (['set', 'rcheck', 'update', 'remove'] as const).find((name) => options.has(`--${name}`));
    const [name, mask, seconds] = [options.value('--name'), options.value('--mask'), options.value('--seconds')];
    const isSource = options.has('--rsource') || !options.has('--rdest');
    if (action === undefined || name === undefined || mask === undefined) return undefined;
    return {
      kind: 'recent',
      do: action,
      ...(seconds !== undefined && { seconds: Number(seconds) }),
      ...(options.has('--reap') && { reap: true }),
      name,
      mask,
      side: isSource ? 'source' : 'destination',
      ...options.not(`--${action}`),
    };
  },
  set: (options) => {
    const [name, directions] = options.values('--match-set');
    if (name === undefined || directions === undefined) return undefined;
    return {
      kind: 'set',
      name,
      directions: directions.split(',') as ('src' | 'dst')[],
      ...options.not('--match-set'),
    };
  },
  physdev: (options) => ({
    kind: 'physdev',
    ...options.flag('isIn', '--physdev-is-in'),
    ...options.flag('isOut', '--physdev-is-out'),
    ...options.flag('isBridged', '--physdev-is-bridged'),
  }),
};

const targetReaders: Readonly<Record<string, (options: Options) => Target | undefined>> = {
  ACCEPT: () => ({ kind: 'ACCEPT' }),
  DROP: () => ({ kind: 'DROP' }),
  RETURN: () => ({ kind: 'RETURN' }),
  MARK: (options) => {
    const mark = options.value('--set-xmark');
    return mark === undefined ? undefined : { kind: 'MARK', ...maskedMark(mark) };
  },
  DNAT: (options) => {
    const text = options.value('--to-destination');
    const { address, port } =
      /^\[?(?<address>[\da-f.:]+?)\]?(?::(?<port>\d+))?$/.exec(
        text?.includes('[') || !isIPv6(text ?? '') ? (text ?? '') : `[${text}]`,
      )?.groups ?? {};
    return address === undefined ? undefined : { kind: 'DNAT', address, ...(port && { port: Number(port) }) };
  },
  MASQUERADE: (options) => ({ kind: 'MASQUERADE', ...(options.has('--random-fully') && { randomFully: true }) }),
  REDIRECT: (options) => {
    const port = Number(options.value('--to-ports'));
    return Number.isInteger(port) ? { kind: 'REDIRECT', port } : undefined;
  },
  REJECT: (options) => {
    const how = options.value('--reject-with');
    return how === undefined ? undefined : { kind: 'REJECT', with: how };
  },
};

/** Options by name, remembering which were asked for: an extension with one that was not is a foreign one. */
class Options {
  readonly #options: readonly Option[];
  readonly #asked = new Set<string>();

  constructor(options: readonly Option[]) {
    this.#options = options;
  }

  get areAllKnown(): boolean {
    return this.#options.every(({ name }) => this.#asked.has(name));
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  value(name: string): string | undefined {
    return this.#find(name)?.values[0];
  }

  values(name: string): readonly string[] {
    return this.#find(name)?.values ?? [];
  }

  not(name: string): { inverted?: true } {
    return this.#find(name)?.inverted ? { inverted: true } : {};
  }

  flag<Key extends string>(key: Key, name: string): { [K in Key]?: boolean } {
    const option = this.#find(name);
    return (option ? { [key]: !option.inverted } : {}) as { [K in Key]?: boolean };
  }

  #find(wanted: string): Option | undefined {
    this.#asked.add(wanted);
    return this.#options.find(({ name }) => name === wanted);
  }
}

function matchOf(name: string, list: readonly Option[]): Match {
  const options = new Options(list);
  const match = Object.hasOwn(matchReaders, name) ? matchReaders[name]!(options) : undefined;
  return match && options.areAllKnown ? match : { kind: 'foreign', name, text: textOf(list) };
}

/** A target without a reader and without options is a chain, as far as the text tells. */
function targetOf(name: string, list: readonly Option[]): Target {
  if (!Object.hasOwn(targetReaders, name)) {
    return list.length > 0 ? { kind: 'foreign', name, text: textOf(list) } : { kind: 'jump', chain: name };
  }
  const options = new Options(list);
  const target = targetReaders[name]!(options);
  return target && options.areAllKnown ? target : { kind: 'foreign', name, text: textOf(list) };
}

const textOf = (options: readonly Option[]): string =>
  options.map(({ name, values, inverted }) => [...(inverted ? ['!'] : []), name, ...values].join(' ')).join(' ');

function portsMatch(protocol: 'tcp' | 'udp' | 'sctp', options: Options): Match {
  const [source, destination] = [ports(options, '--sport'), ports(options, '--dport')];
  return { kind: 'ports', protocol, ...(source && { source }), ...(destination && { destination }) };
}

function ports(options: Options, name: string): PortRange | undefined {
  const text = options.value(name);
  if (text === undefined) return undefined;
  const [from = '', to = from] = text.split(':');
  return { from: Number(from || 0), to: Number(to || 65_535), ...options.not(name) };
}

function addressTypes(options: Options, name: string): AddressTypeMatch | undefined {
  const types = options.value(name);
  return types === undefined ? undefined : { types: types.split(',') as AddressType[], ...options.not(name) };
}

function maskedMark(text: string): { value: number; mask: number } {
  const [value, mask = '0xffffffff'] = text.split('/');
  return { value: Number(value), mask: Number(mask) };
}

function prefix(text: string): Prefix {
  const [address = '', length] = text.split('/');
  return { address, length: length === undefined ? (isIPv6(address) ? 128 : 32) : Number(length) };
}
