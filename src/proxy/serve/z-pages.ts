import { version } from '../../base/version.ts';

/** Said by upstream on these pages, too (component-base/zpages). */
const warning =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

const heading = (title: string): string => `\nkube-proxy ${title}\n${warning}\n\n`;

/** `/flagz`: what each flag would have to be to say what is in force. */
export function flagzPage(flags: Readonly<Record<string, string>>): string {
  const lines = Object.keys(flags)
    .sort()
    .map((name) => `${name}=${flags[name]}\n`);
  return heading('flagz') + lines.join('');
}

export interface StatuszFacts {
  readonly startedMs: number;
  readonly nowMs: number;
  /** Of Kubernetes, whose behaviour this is: `1.36`. */
  readonly emulated: string;
  readonly paths: readonly string[];
}

/** `/statusz`: since when it runs, what it is, and which other pages there are. */
export function statuszPage({ startedMs, nowMs, emulated, paths }: StatuszFacts): string {
  const seconds = Math.floor((nowMs - startedMs) / 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const up = `${Math.floor(seconds / 3600)} hr ${two((seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
  return `${heading('statusz')}Started: ${new Date(startedMs).toUTCString()}
Up: ${up}
Node.js version: ${process.version}
Binary version: ${version}
Emulation version: ${emulated}
Paths: ${paths.join(' ')}
`;
}
