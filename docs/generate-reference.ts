// Owns the reference pages of commands, metrics and reports: written from the code and the schemas themselves; `--check` fails when one is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Argument, Command } from 'commander';
import { createProgram, EXIT_CODES_IN_WORDS } from '../src/cli/program.ts';
import { schemaOfFile } from '../src/cli/service-file.ts';
import { metricFacts, metricScopes, RULE_METRICS } from '../src/documents/rules/metric-catalogue.ts';
import { exampleRule } from '../src/documents/rules/metric-examples.ts';
import type { MetricFacts } from '../src/documents/rules/metric-facts.ts';
import { ALERT_MEANINGS } from '../src/wording/alerts-in-words.ts';
import { agentPage } from './agent-page.ts';
import { documentsPage } from './documents-page.ts';
import { errorCodesPage, findErrorCodeGaps } from './error-codes-page.ts';
import { httpApiPage } from './http-api-page.ts';
import { findMetricGaps } from './metric-names.ts';
import { findUnknownCommands } from './page-commands.ts';
import { cell, type Field, fieldRows, withoutReferences } from './schema-fields.ts';
import { settingsPage } from './settings-page.ts';
import { terminalPicture } from './terminal-picture.ts';

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

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** A command that only holds others has no section of its own. */
function sections(command: Command): string[] {
  return command.commands.length === 0 ? [section(command)] : command.commands.flatMap(sections);
}

function section(command: Command): string {
  const usage = [nameOf(command), ...command.registeredArguments.map(argumentText)].join(' ');
  const rows = optionRows(command);
  const options =
    rows.length === 0 ? '' : `\n| option | meaning | default | environment |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  return `## \`${usage}\`\n\n${cell(command.description())}.\n${options}`;
}

const INTRODUCTION = `# Commands

Made from the commands themselves by \`npm run generate\`. Every command takes \`--help\`; with \`--json\` results are one JSON document on
stdout, and an error is \`{"error": …}\` on stderr. ${EXIT_CODES_IN_WORDS}

Secrets come from the environment or from a file, never from a flag: \`SLIPWAY_GIT_TOKEN\` (the repository), \`SLIPWAY_HOOK_SECRET\`
([webhooks](git-hosts.md)), \`SLIPWAY_TOKEN\` (what a command shows to a service: [tokens](../how-to/tokens.md)), \`SLIPWAY_ADMIN_TOKEN\` and
\`SLIPWAY_VIEWER_TOKEN\` (tokens that \`slipway run\` accepts besides those it made); each may be given as \`…_FILE\`, the name of a file that holds it.
What the home holds, and what to back up, is in [home.md](home.md). Errors are listed in [error-codes.md](error-codes.md).
`;

const program = await createProgram();
const commandsPage = [INTRODUCTION, ...program.commands.flatMap(sections)].join('\n');

const METRICS_INTRODUCTION = `# Metrics

The metrics that rules of a policy can use. Made from the catalogue in \`src/documents/rules/metric-catalogue.ts\` by \`npm run generate\`.

A rule is a condition on one metric: \`<metric> <comparison> <limit>\`. A limit is a value in the metric's unit, or a multiple of the baseline
(\`latency_p95 < 2x baseline, floor 5ms\`; \`90% of baseline\` is \`0.9x baseline\`): of what stable does on other devices at the same time, or did when it last ran beside
the candidate. A rule that can't be decided yet is *undecided* and holds the stage; \`{ rule: …, dryRun: true }\` is shown and never decides.

## Names in OpenTelemetry

The last column names the metric of [OpenTelemetry's semantic conventions](https://opentelemetry.io/docs/specs/semconv/) that means the same, in the same unit (shares from 0 to 1, degrees Celsius),
so that a dashboard can show both side by side. Kinds of errors are what its attribute \`error.type\` is for. Where it is empty, there is no such metric.

## Floors

\`, floor <value>\` after an upper limit relative to the baseline is the lowest value that the limit can have: the limit is the higher of the
multiple and the floor. With \`latency_p95 < 2x baseline, floor 5ms\`, a stable that takes 10 ms gives a limit of 20 ms, and one that takes
1 ms a limit of 5 ms instead of 2 ms. So a candidate does not fail because it doubles a tiny value. Where the table says *with a floor*, an upper
limit must have one: when neither side has seen an event, a multiple of zero could never pass. Lower limits (\`>\`) have none.

A limit on a share of devices may have a floor too: \`failed_devices < 5%, floor 2 devices\` fails when 5% of the devices failed, and two at least. In a stage
of three or of twenty, one broken device then takes no version back. Where all devices of a stage failed, the rule fails whatever its floor.

## Scope of a rule

By default a rule judges all devices of the stage together. Where its metric takes them, these fields change that:

| field | meaning |
|---|---|
| \`scope: fleet\` | the devices of the stage are a sample, and the whole fleet must keep the limit |
| \`scope: any-device\` | each device must keep it; the limit is absolute, except for latencies |
| \`share: 30%\` | each device is judged alone, and the stage fails when more than this share of them breach |
| \`for 5m\`, in the rule | a device breaches only when it is beyond the limit for so long without a pause |
| \`by: hw\` | each group of devices with one value of the label \`hw\` is judged as a stage of its own, if it has three devices; \`by: platform\` and \`by: precision\` group by the candidate's variants. Every metric on this page takes it, rules on [providers](../how-to/use-prometheus.md) don't, and \`scope\` can't stand beside it |
| \`limits: { rev2: 3% }\` | with \`by\`: the limit of one group in place of the rule's |

## Gauges

Gauges (\`cpu\` and all others that take \`for\`) are judged on each device separately, by the mean of each report. Without \`for\` a single
report beyond the limit is a breach. The stage fails when more than a tenth of the devices that report the gauge breach (with \`share\`,
when more than that do). One device alone is enough only with \`scope: any-device\`, with a \`share\` that it exceeds, or where fewer than three devices report the gauge.
Where more than 4,096 devices are expected, only a fixed sample is judged, and the verdict says so: one device from each of 4,096 groups by a hash of
the device's name. \`load_time\` takes no \`for\`: a version is loaded once.

Relative to the baseline, each device's mean over the stage is compared with the median of the means of stable's devices, so that each device weighs once. The stage fails when it is
proven that more than half of the devices (or more than \`share\`) are beyond the limit.
`;

const UNITS: Readonly<Record<MetricFacts['unit'], string>> = {
  ratio: 'percent',
  ms: 'time (`ms`, `s`, `m`)',
  bytes: 'size (`kB`, `MiB`, …)',
  celsius: 'degrees (`C`)',
  'per-hour': 'events in a time (`/h`, `/d`, `/min`)',
  count: 'number',
  divergence: 'number, PSI or `KL`',
};

function metricSection(name: (typeof RULE_METRICS)[number]): string {
  const facts: MetricFacts = metricFacts(name);
  const withFloor = facts.comparisons.some((one) => one.startsWith('>'))
    ? 'yes; `<` with a floor'
    : 'yes, with a floor';
  const relative = { no: 'no', yes: 'yes', only: 'always', 'with-floor': withFloor }[facts.baseline];
  const isGauge = facts.judge.kind === 'gauge';
  const takes = [
    ...(facts.sustained ? ['`for`'] : []),
    ...metricScopes(name).map((scope) => `\`scope: ${scope}\``),
    ...(metricScopes(name).includes('any-device') ? ['`share`'] : []),
  ];
  const each = isGauge ? ' Judged [device by device](#gauges).' : '';
  return `## \`${name}\`

${facts.meaning}${each} For example \`${exampleRule(name)}\`.

| unit | comparisons | relative to the baseline | takes | bad is | comes from | OpenTelemetry |
|---|---|---|---|---|---|---|
| ${UNITS[facts.unit]} | ${facts.comparisons.map((one) => `\`${one}\``).join(', ')} | ${relative} | ${takes.join(', ') || '–'} | ${facts.bad} | ${facts.source} | ${facts.openTelemetry ?? '–'} |
`;
}

const metricsPage = [METRICS_INTRODUCTION, ...RULE_METRICS.map(metricSection)].join('\n');

const REPORTS_INTRODUCTION = `# Reports

What a device reports to the service about one interval: a minute unless its agent is configured otherwise. Made from
[device-report.schema.json](../../schemas/device-report.schema.json) by \`npm run generate\`. A report is signed by the device's key and counted
exactly once. Parts marked *optional* are left out where a device has nothing to report or does not measure it; older agents send none of them.
Beyond shapes and bounds, the service refuses impossible reports: parts that add up to more than the inferences, a mean outside of its minimum and maximum,
more right answers of a class than answers. Devices don't know the limits of rules: a report holds counts, and the service compares.
`;

const reportSchema = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../schemas/device-report.schema.json'), 'utf8'),
) as Field;
const reportsPage = [
  REPORTS_INTRODUCTION,
  '| field | meaning | value |\n|---|---|---|',
  fieldRows(reportSchema).join('\n'),
]
  .join('\n')
  .replace('|---|---|---|\n\n', '|---|---|---|\n');

const ALERTS_INTRODUCTION = `# Alerts and notifications

Made from the code and [notifications.schema.json](../../schemas/notifications.schema.json) by \`npm run generate\`. How to use them:
[Notify people](../how-to/notify-people.md), [Alerts, events and retraining](../how-to/alerts-and-retraining.md).

## Kinds of alerts

The words of \`slipway_alert{kind,rollout}\`, of events, and of \`runbooks\` in \`notify.yaml\`; each links its runbook. Rules have pages of their own:
[errors](../runbooks/error-rate.md), [latency](../runbooks/latency.md) and so on.

| kind | meaning |
|---|---|
`;

const NOTIFY_INTRODUCTION = `
## Fields of \`notify.yaml\`

\`kind: Notifications\`, outside the manifests repository. The service reads it again when it changes.

| field | meaning | value |
|---|---|---|
`;

const notifySchema = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../schemas/notifications.schema.json'), 'utf8'),
);
const notifySpec = withoutReferences(notifySchema.properties.spec, notifySchema.$defs) as Field;
const alertsPage = [
  ALERTS_INTRODUCTION,
  ...Object.entries(ALERT_MEANINGS).map(
    ([kind, meaning]) => `| [\`${kind}\`](../runbooks/${kind}.md) | ${cell(meaning)} |\n`,
  ),
  NOTIFY_INTRODUCTION,
  fieldRows(notifySpec, 'spec').join('\n'),
].join('');

function revertPicture(): string {
  const session = readFileSync(path.join(import.meta.dirname, 'images/revert.txt'), 'utf8');
  return terminalPicture(
    session,
    'A terminal: a bad version is released, Slipway reverts it by a commit, and explains why',
  );
}

for (const [file, text] of [
  ['../../schemas/service-settings.schema.json', JSON.stringify(schemaOfFile(), null, 2)],
  ['service-settings.md', settingsPage()],
  ['agent-settings.md', agentPage()],
  ['commands.md', commandsPage],
  ['alerts.md', alertsPage],
  ['reports.md', reportsPage],
  ['metrics.md', metricsPage],
  ['http-api.md', httpApiPage()],
  ['documents.md', documentsPage()],
  ['error-codes.md', errorCodesPage()],
  ['../images/revert.svg', revertPicture()],
] as const) {
  const target = path.join(import.meta.dirname, 'reference', file);
  const page = `${text.trimEnd()}\n`;
  if (!process.argv.includes('--check')) writeFileSync(target, page);
  else if (readFileSync(target, 'utf8') !== page) {
    console.error(`docs/reference/${file} is stale: run \`npm run generate\`.`);
    process.exitCode = 1;
  }
}

if (process.argv.includes('--check')) {
  for (const gap of [...findMetricGaps(), ...findErrorCodeGaps(), ...findUnknownCommands(program)]) {
    console.error(gap);
    process.exitCode = 1;
  }
}
