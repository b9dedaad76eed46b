// Owns the reference pages of commands and metrics: written from the code itself; `--check` fails when one is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Argument, Command } from 'commander';
import { createProgram, EXIT_CODES_IN_WORDS } from '../src/cli/program.ts';
import { type MetricFacts, metricFacts, RULE_METRICS } from '../src/contract/metric-catalogue.ts';

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

const commandsPage = [INTRODUCTION, ...createProgram().commands.map(section)].join('\n');

const METRICS_INTRODUCTION = `# Metrics

What rules of a policy can name. Made from the catalogue in \`src/contract/metric-catalogue.ts\` by \`npm run generate\`.

A rule says what must hold: \`<metric> <comparison> <limit>\`. A limit is a value in the metric's unit, or a multiple of the baseline
(\`latency_p95 < 2x baseline, floor 5ms\`): of what stable does on other devices at the same time, or did when it was last seen beside
the candidate. A rule that can't be decided yet is *undecided* and holds the stage; \`{ rule: …, dryRun: true }\` is shown and never decides.
`;

const UNITS: Readonly<Record<MetricFacts['unit'], string>> = {
  ratio: 'percent',
  ms: 'time (`ms`, `s`, `m`)',
  bytes: 'size (`kB`, `MiB`, …)',
  celsius: 'degrees (`C`)',
  count: 'number',
  divergence: 'number, PSI or `KL`',
};

function metricSection(name: (typeof RULE_METRICS)[number]): string {
  const facts: MetricFacts = metricFacts(name);
  const relative = { no: 'no', yes: 'yes', 'with-floor': 'yes, with a floor' }[facts.baseline];
  return `## \`${name}\`

${facts.meaning} For example \`${name} ${facts.comparisons[0]} ${facts.example}\`.

| unit | comparisons | relative to the baseline | bad is | comes from |
|---|---|---|---|---|
| ${UNITS[facts.unit]} | ${facts.comparisons.map((one) => `\`${one}\``).join(', ')} | ${relative} | ${facts.bad} | ${facts.source} |
`;
}

const metricsPage = [METRICS_INTRODUCTION, ...RULE_METRICS.map(metricSection)].join('\n');

for (const [file, text] of [
  ['commands.md', commandsPage],
  ['metrics.md', metricsPage],
] as const) {
  const target = path.join(import.meta.dirname, 'reference', file);
  const page = `${text.trimEnd()}\n`;
  if (!process.argv.includes('--check')) writeFileSync(target, page);
  else if (readFileSync(target, 'utf8') !== page) {
    console.error(`docs/reference/${file} is stale: run \`npm run generate\`.`);
    process.exitCode = 1;
  }
}
