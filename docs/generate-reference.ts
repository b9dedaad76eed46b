// Owns the reference page of the command line: written from the commands themselves; `--check` fails when it is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Argument, Command } from 'commander';
import { createProgram, EXIT_CODES_IN_WORDS } from '../src/cli/program.ts';

const PAGE = path.join(import.meta.dirname, 'reference', 'commands.md');

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
  return argument.required ? name : `[${name}]`;
}

function optionRows(command: Command): string[] {
  return command.options.map((option) => {
    const fallback = option.defaultValue === undefined ? '' : `\`${String(option.defaultValue)}\``;
    return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(option.description)} | ${fallback} | ${option.envVar ? `\`${option.envVar}\`` : ''} |`;
  });
}

function section(command: Command): string {
  const usage = ['slipway', command.name(), ...command.registeredArguments.map(argumentText)].join(' ');
  const rows = optionRows(command);
  const options =
    rows.length === 0 ? '' : `\n| option | meaning | default | environment |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  return `## \`${usage}\`\n\n${cell(command.description())}.\n${options}`;
}

const INTRODUCTION = `# Commands

Made from the commands themselves by \`npm run generate\`. Every command takes \`--help\`; with \`--json\` results are one JSON document on
stdout, and an error is \`{"error": …}\` on stderr. ${EXIT_CODES_IN_WORDS}

Secrets come from the environment or from a file, never from a flag: \`SLIPWAY_GIT_TOKEN\` (the repository), \`SLIPWAY_HOOK_SECRET\`
(webhooks), \`SLIPWAY_VIEWER_TOKEN\` (viewers); each may be given as \`…_FILE\`, the name of a file that holds it.
`;

const page = `${[INTRODUCTION, ...createProgram().commands.map(section)].join('\n').trimEnd()}\n`;
if (process.argv.includes('--check')) {
  if (readFileSync(PAGE, 'utf8') !== page) {
    console.error('docs/reference/commands.md is stale: run `npm run generate`.');
    process.exitCode = 1;
  }
} else writeFileSync(PAGE, page);
