/** What the process tells scripts; documented by `signalbox --help` and the README. */
export const exitCodes = {
  ok: 0,
  /** Something that was asked for failed or did not hold. */
  failed: 1,
  /** The command line, a file or a name was wrong; nothing was changed. */
  usage: 2,
  /** This machine lacks something: root, nf_tables. Nothing was changed. */
  unsupported: 3,
  /** What was asked for can neither be affirmed nor denied: who would know does not answer. */
  undecided: 4,
  /** Interrupted by Ctrl-C (128 + SIGINT) before it was done, after cleaning up. A running cluster ends with 0. */
  interrupted: 130,
} as const;

export const exitCodesHelp = `
Exit codes:
  0    done
  1    something that was asked for failed; the message says what
  2    wrong usage: a flag, a file or a name; nothing was changed
  3    this machine lacks something: root, nf_tables; nothing was changed
  4    neither can be said, since who would know does not answer (dns why)
  130  interrupted by Ctrl-C before it was done, after cleaning up`;

/** Ends a command that has said everything already, with a code of its own. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}
