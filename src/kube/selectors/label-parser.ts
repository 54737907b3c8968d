import { InputError } from '../errors.ts';
import { labelKeyProblem, labelValueProblem } from '../validation/names.ts';
import type { LabelOperator, LabelRequirement } from './label-selector.ts';

/**
 * The grammar of apimachinery's labels.Parse: requirements joined by commas, each `key`, `!key`, `key OP value` or
 * `key in (a,b)`. A word is anything between white space and the special characters, so `in` may be a key too.
 */
export function parseRequirements(text: string): LabelRequirement[] {
  const parser = new Parser(tokensOf(text));
  return parser.requirements().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

type Token = { readonly kind: 'word' | 'symbol' | 'end'; readonly text: string };

const tokenPattern = /\s*(?:(==|!=|[=!<>(),])|([^\s=!<>(),]+))/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (let match = tokenPattern.exec(text); match; match = tokenPattern.exec(text)) {
    tokens.push(match[1] === undefined ? { kind: 'word', text: match[2]! } : { kind: 'symbol', text: match[1] });
  }
  return [...tokens, { kind: 'end', text: '' }];
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  requirements(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    if (this.#peek().kind === 'end') return found;
    for (;;) {
      found.push(this.#requirement());
      const after = this.#take();
      if (after.kind === 'end') return found;
      if (after.text !== ',') throw malformed(`found '${after.text}', expected: ',' or 'end of string'`);
      if (this.#peek().kind === 'end') throw malformed("found '', expected: identifier after ','");
    }
  }

  #requirement(): LabelRequirement {
    const absent = this.#peek().text === '!' && this.#take().kind === 'symbol';
    const key = this.#key();
    if (absent) return { key, operator: '!', values: [] };
    if (this.#peek().kind === 'end' || this.#peek().text === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#list() : [this.#value(operator)];
    for (const value of values) checkValue(key, operator, value);
    return { key, operator, values };
  }

  #key(): string {
    const token = this.#take();
    if (token.kind !== 'word') throw malformed(`found '${token.text}', expected: identifier`);
    const problem = labelKeyProblem(token.text);
    if (problem) throw malformed(`key: Invalid value: ${JSON.stringify(token.text)}: ${problem}`);
    return token.text;
  }

  #operator(): LabelOperator {
    const token = this.#take();
    const operator = operatorTexts[token.text];
    if (!operator) throw malformed(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    return operator;
  }

  /** After `=` and its like nothing at all stands for the empty value. */
  #value(operator: LabelOperator): string {
    const token = this.#peek();
    if (token.kind === 'end' || token.text === ',') {
      if (operator === 'gt' || operator === 'lt') throw malformed(`found '${token.text}', expected: identifier`);
      return '';
    }
    if (token.kind !== 'word') throw malformed(`found '${token.text}', expected: identifier`);
    return this.#take().text;
  }

  #list(): string[] {
    const open = this.#take();
    if (open.text !== '(') throw malformed(`found '${open.text}', expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const token = this.#take();
      if (token.kind === 'word') {
        values.add(token.text);
        const after = this.#take();
        if (after.text === ')') break;
        if (after.text !== ',') throw malformed(`found '${after.text}', expected: ',' or ')'`);
        if (this.#peek().text !== ')') continue;
        values.add('');
        this.#take();
        break;
      }
      if (token.text !== ',' && token.text !== ')')
        throw malformed(`found '${token.text}', expected: ',', ')' or identifier`);
      values.add('');
      if (token.text === ')') break;
    }
    return [...values].sort();
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }
}

const operatorTexts: Record<string, LabelOperator | undefined> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '=',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

function checkValue(key: string, operator: LabelOperator, value: string): void {
  if (operator === 'gt' || operator === 'lt') {
    if (!/^[+-]?\d+$/.test(value)) {
      throw malformed(
        `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    return;
  }
  const problem = labelValueProblem(value);
  if (problem) throw malformed(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
}

const malformed = (found: string) =>
  new InputError('Parse a label selector', 'malformed', `unable to parse requirement: ${found}`);
