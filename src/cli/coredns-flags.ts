/** CoreDNS's flags, as Go's programs take them: one dash or two, the value behind `=` or a space. */
const words = ['conf', 'dns.port', 'p', 'quiet', 'pidfile', 'version', 'plugins'];
const shape = new RegExp(`^-(${words.map((word) => word.replace('.', '\\.')).join('|')})(=.*)?$`);

/** With two dashes, as all our flags have them, so that a Deployment of CoreDNS can keep its arguments. */
export const withTwoDashes = (given: readonly string[]): string[] =>
  given.map((word) => (shape.test(word) ? word.replace(/^-p(?==|$)/, '-dns.port').replace(/^-/, '--') : word));
