// Owns the check of commands that pages name: each command of `slipway` and each of its options is one that there is.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';

const ROOT = path.join(import.meta.dirname, '..');
/** Made from the commands themselves, or about how it once was. */
const PASSED_OVER = /CHANGELOG|decisions\/|reference\/(commands|error-codes)\.md$/;
/** Where a command can stand: at the begin, after what joins or begins commands, and after `--` of a program that runs another. */
const NAMED =
  /(?:^|[;&|("'$] ?|\b(?:sudo|npx|until|while|do|then) |[A-Z_]+=\S* | -- )\s*slipway[ \t]+([a-z][a-z-]*(?:[ \t][^`|;&>#]*)?)/g;

interface NamedCommand {
  readonly place: string;
  readonly words: readonly string[];
}

/** Code of a page, by line: fenced blocks with their continued lines joined, and code within sentences. */
function codeOf(text: string): { readonly line: number; readonly code: string }[] {
  const found: { line: number; code: string }[] = [];
  let isFenced = false;
  let begun = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(```|~~~)/.test(line)) isFenced = !isFenced;
    else if (!isFenced) for (const [, code = ''] of line.matchAll(/`([^`]+)`/g)) found.push({ line: index + 1, code });
    else if (line.endsWith('\\')) begun += line.slice(0, -1);
    else {
      found.push({ line: index + 1, code: begun + line });
      begun = '';
    }
  }
  return found;
}

export function namedCommands(file: string, text: string): NamedCommand[] {
  return codeOf(text).flatMap(({ line, code }) =>
    [...code.matchAll(NAMED)].map(([, rest = '']) => ({
      place: `${file}:${line}`,
      words: rest.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [],
    })),
  );
}

function childOf(command: Command, word: string | undefined): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word ?? ''));
}

/** What is wrong with it; undefined when every word that must be known is. */
export function commandProblem(program: Command, words: readonly string[]): string | undefined {
  const [first, second] = words;
  const command = childOf(program, first);
  if (command === undefined) return first === 'help' ? undefined : `there is no command \`slipway ${first}\``;
  const own = childOf(command, second);
  // Without a subcommand the default one takes the options.
  const takers = own === undefined ? [command, ...command.commands] : [own];
  const known = new Set(takers.flatMap((one) => one.options.flatMap(({ long, short }) => [long, short])));
  const flags = words.flatMap((word) => /^(--?[a-zA-Z][\w-]*)/.exec(word)?.[1] ?? []);
  const unknown = flags.filter((flag) => !known.has(flag) && !['--help', '-h'].includes(flag));
  return unknown.length === 0 ? undefined : `\`slipway ${first}\` has no option ${unknown.join(', ')}`;
}

/** What to mend, a line each. */
export function findUnknownCommands(program: Command): string[] {
  const files = globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: ROOT }).filter(
    (file) => !PASSED_OVER.test(file),
  );
  return files.flatMap((file) =>
    namedCommands(file, readFileSync(path.join(ROOT, file), 'utf8')).flatMap(({ place, words }) => {
      const problem = commandProblem(program, words);
      return problem === undefined ? [] : [`${place} ${problem}: correct the page.`];
    }),
  );
}
