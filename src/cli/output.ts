// Owns how commands print: results on stdout, as text for people or one JSON document for programs; width, colour and times of the text.
import process from 'node:process';
import { styleText } from 'node:util';
import { type CodedError, formatError } from '../base/errors.ts';
import { withoutControls } from '../base/plain-text.ts';
import { wrapped } from '../wording/wrapped.ts';

/** The result of a command: a value for `--json`, and the same in words. */
export interface Result {
  readonly json: unknown;
  readonly text: string;
  /** 0 unless given. */
  readonly exitCode?: number;
}

export function printResult(result: Result, asJson: boolean): void {
  process.stdout.write(asJson ? `${JSON.stringify(result.json, null, 2)}\n` : `${result.text.trimEnd()}\n`);
  if (result.exitCode !== undefined) process.exitCode = result.exitCode;
}

const closed = new AbortController();

/** Aborted when nobody reads the results any more, as after `| head`. */
export function outputClosed(): AbortSignal {
  return closed.signal;
}

/** A reader that has seen enough ends what is printed for it, in peace; a log that nobody reads ends nothing. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
    closed.abort();
  });
  process.stderr.on('error', () => undefined);
}

const NARROWEST = 40;
const WIDEST_PROSE = 100;

/** Columns of the terminal that reads the stream; undefined when a file or a program does. */
function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? Math.max(NARROWEST, stream.columns) : undefined;
}

/** Prose in lines as wide as the terminal, and of at most 80 characters where there is none. */
export function proseLines(text: string, indent = ''): string[] {
  const columns = columnsOf(process.stdout);
  const width = columns === undefined ? undefined : Math.min(columns, WIDEST_PROSE) - indent.length;
  return wrapped(text, width).map((line) => indent + line);
}

/** An error for a terminal: its code in colour, its sentences wrapped. Elsewhere each sentence is one line, to be searched. */
export function errorText(error: CodedError, stream: NodeJS.WriteStream = process.stdout): string {
  const columns = columnsOf(stream);
  const [head = '', ...rest] = withoutControls(formatError(error)).split('\n');
  const lines = rest.flatMap((line) =>
    columns === undefined ? [line] : wrapped(line.trim(), Math.min(columns, WIDEST_PROSE) - 2).map((one) => `  ${one}`),
  );
  return [styleText(['bold', 'red'], head, { stream }), ...lines].join('\n');
}

/** Columns padded to their widest cell; on a terminal that is too narrow, the last column goes over several lines. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], indent = ''): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, indent.length);
  const left = (columnsOf(process.stdout) ?? Number.POSITIVE_INFINITY) - before;
  const line = (row: readonly string[]): string =>
    (indent + row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).trimEnd();
  const lines = (row: readonly string[]): string[] => {
    const last = row.at(-1) ?? '';
    if (last.length <= left || left < NARROWEST / 2) return [line(row)];
    const [first = '', ...more] = wrapped(last, left);
    return [line([...row.slice(0, -1), first]), ...more.map((one) => ' '.repeat(before) + one)];
  };
  return [styleText('bold', line(header), { stream: process.stdout }), ...rows.flatMap(lines)].join('\n');
}

const STEPS_OF_TIME = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** How long ago an instant was, for people: `just now`, `3 min ago`, `2 d ago`. Programs get it in ISO 8601. */
export function timeAgo(atMs: number, nowMs: number): string {
  const seconds = (nowMs - atMs) / 1000;
  const [step, unit] = STEPS_OF_TIME.find(([least]) => seconds >= least) ?? [];
  return step === undefined ? 'just now' : `${Math.floor(seconds / step)} ${unit} ago`;
}
