/** The name rules of apimachinery's util/validation: each returns what is wrong in upstream's words, or undefined. */
export type NameRule = (text: string) => string | undefined;

const subdomainMessage =
  'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
  "'-' or '.', and must start and end with an alphanumeric character";
const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
  'and must start and end with an alphanumeric character';
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
  'and end with an alphanumeric character';
const qualifiedMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', " +
  'and must start and end with an alphanumeric character';
const valueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
  'and must start and end with an alphanumeric character';

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label1123}(\\.${label1123})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const value = `(${qualified})?`;

const shape = (pattern: string, message: string, ...examples: string[]) => {
  const whole = new RegExp(`^(?:${pattern})$`);
  const listed = examples.map((example, index) => `${index === 0 ? '' : 'or '}'${example}'`).join(', ');
  const full = `${message} (e.g. ${listed}, regex used for validation is '${pattern}')`;
  return (text: string) => (whole.test(text) ? undefined : full);
};

const atMost = (maximum: number) => (text: string) =>
  Buffer.byteLength(text) > maximum ? `must be no more than ${maximum} bytes` : undefined;

const firstOf =
  (...rules: NameRule[]): NameRule =>
  (text) => {
    for (const rule of rules) {
      const problem = rule(text);
      if (problem) return problem;
    }
    return undefined;
  };

/** RFC 1123 subdomain: most objects' names. */
export const subdomainProblem = firstOf(atMost(253), shape(subdomain, subdomainMessage, 'example.com'));
/** RFC 1123 label: Namespaces, containers. */
export const labelProblem = firstOf(atMost(63), shape(label1123, labelMessage, 'my-name', '123-abc'));
/** RFC 1035 label, which may not begin with a digit: Services. */
export const label1035Problem = firstOf(atMost(63), shape(label1035, label1035Message, 'my-name', 'abc-123'));
/** A label's value. */
export const labelValueProblem = firstOf(atMost(63), shape(value, valueMessage, 'MyValue', 'my_value', '12345'));

/** What can stand between two slashes of a URL: RBAC objects, whose names may have colons and capitals. */
export function pathSegmentProblem(text: string): string | undefined {
  if (text === '.' || text === '..') return `may not be '${text}'`;
  const wrong = ['/', '%'].find((character) => text.includes(character));
  return wrong && `may not contain '${wrong}'`;
}

const namePart = shape(qualified, qualifiedMessage, 'MyName', 'my.name', '123-abc');

/** A label's or annotation's key: `name` or `prefix/name`. */
export function labelKeyProblem(text: string): string | undefined {
  const parts = text.split('/');
  if (parts.length > 2) {
    return `a qualified name ${qualifiedMessage.slice('name part '.length)} (e.g. 'MyName', or 'my.name', or '123-abc', regex used for validation is '${qualified}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') return 'prefix part must be non-empty';
    const problem = subdomainProblem(prefix);
    if (problem) return `prefix part ${problem}`;
  }
  const name = parts.at(-1)!;
  if (name === '') return 'name part must be non-empty';
  if (Buffer.byteLength(name) > 63) return 'name part must be no more than 63 bytes';
  return namePart(name);
}
