import { InputError } from '../errors.ts';
import type { LabelSelector } from '../meta.ts';
import { parseRequirements } from './label-parser.ts';

export type LabelOperator = '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on labels; a selector is met when all of its conditions are. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** One for `=`, `!=`, `gt`, `lt`; at least one for `in`, `notin`; none for `exists` and `!`. */
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** `app=web,tier in (a,b),!canary`; the empty text matches everything. Throws InputError. */
export const parseLabelSelector = (text: string): LabelRequirement[] => parseRequirements(text);

export const matchesLabels = (requirements: readonly LabelRequirement[], labels: Labels | undefined): boolean =>
  requirements.every((requirement) => meets(requirement, labels ?? {}));

/** Back to text that `parseLabelSelector` reads, sorted by key as upstream prints selectors. */
export const formatLabelSelector = (requirements: readonly LabelRequirement[]): string =>
  [...requirements]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(formatRequirement)
    .join(',');

/** A Service's or ReplicationController's plain map. An empty one selects nothing there: ask before. */
export const requirementsOfMap = (labels: Labels): LabelRequirement[] =>
  Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] }));

/** metav1.LabelSelector as conditions; the empty selector has none and so matches everything. */
export const requirementsOf = (selector: LabelSelector): LabelRequirement[] => [
  ...requirementsOfMap(selector.matchLabels ?? {}),
  ...(selector.matchExpressions ?? []).map(
    ({ key, operator, values }): LabelRequirement => ({
      key,
      operator: operatorOf(operator),
      values: [...(values ?? [])].sort(),
    }),
  ),
];

/** An absent selector matches nothing, an empty one everything. */
export const matchesSelector = (selector: LabelSelector | undefined, labels: Labels | undefined): boolean =>
  selector !== undefined && matchesLabels(requirementsOf(selector), labels);

const operators: Record<string, LabelOperator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function operatorOf(name: string): LabelOperator {
  const operator = operators[name];
  if (!operator) {
    throw new InputError('Read a label selector', 'malformed', `"${name}" is not a valid label selector operator`);
  }
  return operator;
}

function meets({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt':
      return value !== undefined && compares(operator, value, values[0]!);
  }
}

const wholeNumber = /^[+-]?\d+$/;

function compares(operator: 'gt' | 'lt', value: string, bound: string): boolean {
  if (!wholeNumber.test(value) || !wholeNumber.test(bound)) return false;
  return operator === 'gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case '=':
    case '!=':
      return `${key}${operator}${values[0]}`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
  }
}
