// Owns what commands print: results on stdout, as text for people or one JSON document for programs.
import process from 'node:process';

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

/** Columns padded to their widest cell. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}
