// Owns the form in which commands print findings: for people, for GitHub, for GitLab, or as JSON.
import { Option } from 'commander';

const FORMATS = ['text', 'github', 'gitlab', 'json'] as const;
export type FindingsFormat = (typeof FORMATS)[number];

export function formatOption(): Option {
  const what =
    'how to print: for people, as annotations of GitHub Actions, as a Code Quality report of GitLab, or as JSON';
  return new Option('--format <format>', what).choices(FORMATS).default('text');
}

/** What a command line asks for, also where it went wrong before it was read. */
export function formatAskedFor(args: readonly string[]): FindingsFormat {
  const line = ` ${args.join(' ')} `;
  if (line.includes(' --json ') || / --format[ =]json /.test(line)) return 'json';
  return / --format[ =]github /.test(line) ? 'github' : 'text';
}
