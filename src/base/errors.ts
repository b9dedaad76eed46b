// Owns the one error type of Slipway: a code, where it happened, what to do about it, and the cause.

/** How an error is to be handled; it alone fixes exit code, HTTP status and log level. */
export type ErrorKind = 'fix-input' | 'retry-later' | 'bug';

/** A place in a document, counted from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface CodedErrorFacts {
  /** `AREA_PROBLEM`, stable: people search for it. */
  readonly code: string;
  readonly kind?: ErrorKind;
  /** What is wrong, in one sentence, with the offending text. */
  readonly message: string;
  /** What the reader can do about it, in one sentence. */
  readonly remedy?: string;
  readonly at?: SourcePlace;
  readonly cause?: unknown;
}

/** An error that says how it is to be handled. `kind` defaults to `fix-input`. */
export class CodedError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly remedy: string | undefined;
  readonly at: SourcePlace | undefined;

  constructor(facts: CodedErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'CodedError';
    this.code = facts.code;
    this.kind = facts.kind ?? 'fix-input';
    this.remedy = facts.remedy;
    this.at = facts.at;
  }
}

export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = { 'fix-input': 2, 'retry-later': 3, bug: 70 };
export const HTTP_STATUSES: Readonly<Record<ErrorKind, number>> = { 'fix-input': 400, 'retry-later': 503, bug: 500 };

interface SystemProblem extends Pick<CodedErrorFacts, 'code' | 'remedy'> {
  readonly what: string;
}

const NO_PERMISSION: SystemProblem = {
  code: 'SYSTEM_PERMISSION',
  what: 'permission is denied, or the disk is read-only',
  remedy: 'Check who owns the file and its folder, and how the disk is mounted.',
};
const NO_SPACE: SystemProblem = { code: 'SYSTEM_DISK_FULL', what: 'the disk is full', remedy: 'Free disk space.' };
const NO_FILES: SystemProblem = {
  code: 'SYSTEM_FILES',
  what: 'too many files are open',
  remedy: 'Raise the limit of open files: `ulimit -n`, or LimitNOFILE= in the unit.',
};

/** What the operating system refuses is for whoever runs the program to mend: no bug, and it may pass. */
const SYSTEM_PROBLEMS: Readonly<Record<string, SystemProblem>> = {
  ...{ EACCES: NO_PERMISSION, EPERM: NO_PERMISSION, EROFS: NO_PERMISSION },
  ...{ ENOSPC: NO_SPACE, EDQUOT: NO_SPACE, EMFILE: NO_FILES, ENFILE: NO_FILES },
};

function systemProblem(thrown: unknown): CodedError | undefined {
  const { code = '', syscall, path } = Object(thrown) as NodeJS.ErrnoException;
  const problem = syscall === undefined ? undefined : SYSTEM_PROBLEMS[code];
  if (problem === undefined) return undefined;
  const message = `${path ?? syscall}: ${problem.what} (${code}).`;
  return new CodedError({ ...problem, kind: 'retry-later', message, cause: thrown });
}

/** Any thrown thing as a CodedError; what is neither one already nor refused by the system counts as a bug under `code`. */
export function toCodedError(thrown: unknown, code = 'INTERNAL_ERROR'): CodedError {
  if (thrown instanceof CodedError) return thrown;
  const refused = systemProblem(thrown);
  if (refused !== undefined) return refused;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CodedError({ code, kind: 'bug', message, cause: thrown });
}

/** The error as people read it: code and place, then message and remedy, each on a line. */
export function formatError(error: CodedError): string {
  const place = error.at ? `  ${error.at.file}:${error.at.line}:${error.at.column}` : '';
  const remedy = error.remedy === undefined ? '' : `\n  ${error.remedy}`;
  return `${error.code}${place}\n  ${error.message}${remedy}`;
}

/** The same on one line, for a reason inside a log entry. */
export function formatInLine(error: CodedError): string {
  return formatError(error).replaceAll(/\s*\n\s*/g, ' ');
}

/** The same facts for `--json` and HTTP answers. */
export function errorToJson(error: CodedError): Record<string, unknown> {
  return { code: error.code, kind: error.kind, message: error.message, remedy: error.remedy, at: error.at };
}

/** For the end of a switch over a union: the compiler proves that it is never reached. */
export function assertNever(value: never): never {
  throw new CodedError({ code: 'ASSERT_NEVER', kind: 'bug', message: `unexpected case ${JSON.stringify(value)}` });
}

/** States what must hold; a breach is a bug, never mended. Stays on in production. */
export function assertInvariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new CodedError({ code: 'ASSERT_INVARIANT', kind: 'bug', message });
}
