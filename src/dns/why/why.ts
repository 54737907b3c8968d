import { messageOf } from '../../base/errors.ts';
import type { Client } from '../../client/mod.ts';
import { encodeAddress, keyOf, recordTypes } from '../../wire/dns/mod.ts';
import { reverseName } from '../zone/mod.ts';
import { type AskOptions, askInTurn, encodeQuestion, read } from './ask.ts';
import { type ClientOptions, clientConfig } from './client-config.ts';
import { type ClusterView, viewCluster } from './cluster-view.ts';
import { nextSteps } from './next-steps.ts';
import type { Asked, Report, Step } from './report.ts';
import { type Candidate, candidatesOf } from './search.ts';
import { muslSees, resultOf, stepOutcome } from './verdict.ts';

export interface WhyOptions extends ClientOptions, AskOptions {
  /** A name as a program has it, or an address to be found the name of. */
  readonly name: string;
  /** Default: A and AAAA, which programs ask for; of an address: PTR. */
  readonly types?: readonly string[];
  /** Without it there are only the server's own words to go by. */
  readonly client?: Client;
  /** Default: what the servers' Corefile says, else cluster.local. */
  readonly clusterDomain?: string;
}

/** Walks the client's search list and says of every question what was answered, and why. Throws UsageError. */
export async function explainLookup(options: WhyOptions): Promise<Report> {
  const { view, notes } = await look(options);
  const client = clientConfig(options, view);
  const address = encodeAddress(options.name);
  const given = address ? `${reverseName(address)}.` : options.name;
  const types = options.types ?? (address ? ['PTR'] : ['A', 'AAAA']);
  const steps: Step[] = [];
  for (let left = candidatesOf(given, client.dns); left[0]; left = after(steps.at(-1)!, left)) {
    steps.push(await walk(left[0], types, client.servers, options, view));
  }
  const result = resultOf(steps);
  const musl = muslSees(given, client.dns, steps, result);
  return {
    name: options.name,
    types,
    client: client.report,
    steps,
    result,
    ...(musl && { musl }),
    notes: [...notes, ...(view?.notes ?? []), ...client.notes],
    next: [...behind(steps), ...nextSteps(result, steps, view)],
  };
}

async function look({ client, clusterDomain, from, clock }: WhyOptions) {
  if (!client)
    return { view: undefined, notes: ["The API server is not known: there are only the DNS server's own words"] };
  try {
    return { view: await viewCluster(client, clusterDomain, () => clock.now()), notes: [] };
  } catch (error) {
    if (from !== undefined) throw error;
    return { view: undefined, notes: [`The API server's objects cannot be had: ${messageOf(error)}`] };
  }
}

/** Records end the search; silence ends it too, but for the name as it was given (glibc's resolv/res_query.c). */
function after({ outcome }: Step, [, ...left]: readonly Candidate[]): Candidate[] {
  if (outcome === 'found') return [];
  return outcome === 'silent' ? left.filter(({ suffix }) => suffix === undefined) : left;
}

async function walk(
  { name, suffix }: Candidate,
  types: readonly string[],
  servers: Parameters<typeof askInTurn>[2],
  options: AskOptions,
  view: ClusterView | undefined,
): Promise<Step> {
  const questions = await Promise.all(
    types.map(async (type) => explained(name, await askInTurn(name, type, servers, options), view)),
  );
  return {
    name,
    ...(suffix !== undefined && { suffix }),
    outcome: stepOutcome(questions.map(({ outcome }) => outcome)),
    questions,
  };
}

/** With the reason, and with what the API server's objects would make of the question if that is something else. */
function explained(name: string, asked: Asked, view: ClusterView | undefined): Asked {
  const reply = view?.expect(encodeQuestion(name, asked.type, 0));
  const wanted = reply && read(reply, asked.type);
  const differs = wanted !== undefined && asked.outcome !== 'silent' && isOther(asked, wanted);
  const expected = differs ? answerText(wanted) : undefined;
  const reason = asked.reason ?? asked.extendedError?.text ?? reasonFor(name, asked, wanted, view);
  return { ...asked, ...(reason !== undefined && { reason }), ...(expected !== undefined && { expected }) };
}

type Read = ReturnType<typeof read>;

function reasonFor(
  name: string,
  { outcome, type, rcode }: Asked,
  wanted: Read | undefined,
  view: ClusterView | undefined,
) {
  if (outcome === 'found') return undefined;
  if (wanted?.extendedError && wanted.rcode === rcode) return wanted.extendedError.text;
  if (wanted) return undefined;
  return view?.zone.explain(keyOf(name), recordTypes[type as 'A']);
}

/** Order and TTLs aside. */
function isOther(asked: Asked, wanted: Read): boolean {
  const data = (records: readonly string[]) =>
    records
      .map((record) => record.toLowerCase().replace(/ \d+ in /, ' '))
      .sort()
      .join('\n');
  const changesByItself = ['SOA', 'ANY'].includes(asked.type);
  return !changesByItself && (asked.rcode !== wanted.rcode || data(asked.records) !== data(wanted.records));
}

const answerText = ({ rcode, records }: Read): string =>
  records.length > 0 ? records.join('; ') : rcode === 'NOERROR' ? 'no such record (NODATA)' : rcode;

/** Advice for a server that does not say what the API server has. */
function behind(steps: readonly Step[]): string[] {
  const other = steps.flatMap(({ questions }) => questions).find(({ expected }) => expected !== undefined);
  return other
    ? [
        `${other.server} does not answer what the API server has: it follows another cluster, has another Corefile, or is behind; ask again, then see its log and its /ready`,
      ]
    : [];
}
