// Owns the form in which commands print findings: for people, as annotations of GitHub Actions, or as JSON.
import { Option } from 'commander';

const FORMATS = ['text', 'github', 'json'] as const;
export type FindingsFormat = (typeof FORMATS)[number];

export function formatOption(): Option {
  return new Option('--format <format>', 'how to print: for people, as annotations of GitHub Actions, or as JSON')
    .choices(FORMATS)
    .default('text');
}

/** What a command line asks for, also where it went wrong before it was read. */
export function formatAskedFor(args: readonly string[]): FindingsFormat {
  const line = ` ${args.join(' ')} `;
  if (line.includes(' --json ') || / --format[ =]json /.test(line)) return 'json';
  return / --format[ =]github /.test(line) ? 'github' : 'text';
}
