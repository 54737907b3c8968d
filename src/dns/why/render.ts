import type { Asked, Report, Step } from './report.ts';

/** For people: one paragraph a name of the search list, then what the client gets, and what to do. */
export function renderReport(report: Report): string {
  const { name, types, client, steps, result, musl, notes, next } = report;
  const rest = [...client.searches.map((suffix) => `search ${suffix}`), ...client.options].join(', ');
  const lines = [
    `Name:    ${name} (${types.join(', ')})`,
    `Client:  ${client.source}${rest === '' ? '' : `: ${rest}`}`,
    `Servers: ${client.nameservers.join(', ')}`,
    ...steps.flatMap((step, index) => ['', ...renderStep(step, index + 1)]),
    '',
    `${result.sentence}.`,
    ...result.records.map((record) => `  ${record}`),
    ...(musl === undefined ? [] : [`But ${musl}.`]),
    ...titled('Next:', next),
    ...titled('Note:', notes),
  ];
  return `${lines.join('\n')}\n`;
}

const titled = (title: string, lines: readonly string[]): string[] => lines.map((line) => `${title} ${line}`);

function renderStep({ name, suffix, questions }: Step, number: number): string[] {
  const from = suffix === undefined ? 'as it stands' : `with ${suffix}`;
  const [first] = questions;
  const isSame = first !== undefined && questions.length > 1 && questions.every((asked) => isAlike(asked, first));
  const shown = isSame ? [{ ...first, type: questions.map(({ type }) => type).join(', ') }] : questions;
  return [`${number}. ${name} (${from})`, ...shown.flatMap(renderAsked)];
}

/** Nothing but the type differs, so that it need not be said twice. */
const isAlike = (one: Asked, other: Asked): boolean =>
  one.records.length === 0 && JSON.stringify({ ...one, type: '' }) === JSON.stringify({ ...other, type: '' });

function renderAsked(asked: Asked): string[] {
  const { type, before = [], reason, expected, records } = asked;
  return [
    ...before.map((line) => `   ${type}: ${line}`),
    `   ${type}: ${verdictOf(asked)}${originText(asked)}`,
    ...records.map((record) => `      ${record}`),
    ...(reason === undefined ? [] : [`      ${reason}`]),
    ...(expected === undefined ? [] : [`      By the API server it would be: ${expected}`]),
  ];
}

function verdictOf({ outcome, rcode = '', records }: Asked): string {
  switch (outcome) {
    case 'found':
      return `${records.length} record${records.length === 1 ? '' : 's'}`;
    case 'no-record':
      return 'no such record (NODATA)';
    case 'no-name':
      return 'no such name (NXDOMAIN)';
    case 'failed':
      return rcode;
    case 'silent':
      return 'no answer';
  }
}

function originText({ server, origin, transport, extendedError }: Asked): string {
  const code = extendedError ? `, extended error ${extendedError.code}` : '';
  const over = transport === 'tcp' ? ' over TCP' : '';
  if (origin === undefined) return ` from ${server}${over}${code}`;
  const [plugin, resolver] = origin.split(' ');
  return ` from ${server}${over}, ${plugin}${resolver === undefined ? '' : ` (${resolver})`}${code}`;
}
