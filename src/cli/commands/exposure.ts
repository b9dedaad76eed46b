// Owns `slipway exposure`: which devices had a version when, as a table or a file, and how they left it.
import { type Command, Option } from 'commander';
import { toIsoSeconds } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { oneLine } from '../../base/plain-text.ts';
import type { ExposureRow, Patching } from '../../dashboard/read-model/types.generated.ts';
import { countOf, formatCount, percent } from '../../wording/amounts.ts';
import { type ExposureFormat, writeExposure } from '../exposure-file.ts';
import { FleetSource, type Query } from '../fleet-source.ts';
import { addPlaceOptions, type PlaceOptions, placeOf } from '../home-or-server.ts';
import { printResult, table } from '../output.ts';

interface ExposureOptions extends PlaceOptions {
  readonly digest?: string;
  readonly model?: string;
  readonly version?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format?: ExposureFormat;
  readonly output?: string;
  readonly patching?: boolean;
  readonly json?: boolean;
}

const ON_PAGE = 5_000;
const MOST_LISTED = 50;
const CURVE_LINES = 12;

const HELP = `
A row says that a device ran the version at some time after HEARD BEFORE, surely from FROM on, until UNTIL. Times are
the service's. Rows are kept for 13 months after they end, unless the service runs with --exposure-kept.

Examples:
  slipway exposure --model produce-scan --version 1.3.0 --from 7d
  slipway exposure --digest sha256:… --from 2026-11-01 --to 2026-11-08 --format csv --output had-it.csv
  slipway exposure --digest sha256:… --patching`;

async function* pagesOf(source: FleetSource, query: Query): AsyncGenerator<readonly ExposureRow[]> {
  let cursor: string | undefined;
  do {
    const { rows, next } = await source.exposure({ ...query, cursor, limit: ON_PAGE });
    yield rows;
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}

function rowsText(rows: readonly ExposureRow[], count: number): string {
  const devices = new Set(rows.map(({ device }) => device)).size;
  if (count === 0) return 'No device had it in that time.';
  const cells = rows
    .slice(0, MOST_LISTED)
    .map(({ device, model, version, afterMs, fromMs, untilMs, how }) => [
      ...[device, model, version ?? '', toIsoSeconds(afterMs), toIsoSeconds(fromMs)].map(oneLine),
      ...[untilMs === null ? 'still' : toIsoSeconds(untilMs), how],
    ]);
  const rest = count - cells.length;
  return [
    `${countOf(devices, 'device')} had it, ${countOf(count, 'row')}`,
    table(['DEVICE', 'MODEL', 'VERSION', 'HEARD BEFORE', 'FROM', 'UNTIL', 'HOW'], cells),
    ...(rest > 0 ? [`and ${formatCount(rest)} more: pass --format csv --output <file> for all`] : []),
  ].join('\n\n');
}

function patchingText({ points, exposed, left, share, halfMs, mostMs }: Patching): string {
  if (share === null) return 'No device had it.';
  const step = Math.max(1, Math.ceil(points.length / CURVE_LINES));
  const shown = points.filter((_, i) => i % step === 0 || i === points.length - 1);
  const rows = shown.map((one) => [
    ...[toIsoSeconds(one.atMs), formatCount(one.exposed), formatCount(one.left)],
    one.exposed === 0 ? '–' : percent(one.left / one.exposed),
  ]);
  const when = (atMs: number | null): string => (atMs === null ? 'not yet' : toIsoSeconds(atMs));
  return [
    `${formatCount(left)} of ${countOf(exposed, 'device')} left it (${percent(share)}): half by ${when(halfMs)}, 95% by ${when(mostMs)}`,
    table(['AT', 'HAD IT', 'LEFT IT', 'SHARE'], rows),
  ].join('\n\n');
}

async function exposure(options: ExposureOptions, command: Command): Promise<void> {
  const { digest, model, version, from, to, format, output, patching = false, json = false } = options;
  if (digest === undefined && model === undefined)
    throw new CodedError({
      code: 'USAGE',
      message: 'The question names no version.',
      remedy: 'Pass --digest, or --model and --version.',
    });
  const query = { digest, model, version, from, to };
  await using source = await FleetSource.open(placeOf(options, command));
  if (patching) {
    const value = await source.patching(query);
    return printResult({ json: value, text: patchingText(value) }, json);
  }
  const asFile = format ?? (output === undefined ? undefined : json ? 'json' : 'csv');
  if (asFile !== undefined) {
    const rows = await writeExposure(pagesOf(source, query), { format: asFile, file: output });
    if (output !== undefined)
      printResult({ json: { file: output, rows }, text: `${countOf(rows, 'row')} in ${output}` }, json);
    return;
  }
  const rows: ExposureRow[] = [];
  for await (const page of pagesOf(source, query)) rows.push(...page);
  printResult({ json: rows, text: rowsText(rows, rows.length) }, json);
}

export function addExposureCommand(program: Command): void {
  const command = program
    .command('exposure')
    .description('show which devices had a version in a span of time, or how they left it')
    .option('--digest <digest>', 'digest of the version')
    .option('--model <name>', 'its model')
    .option('--version <version>', 'its version; all versions of the model without it')
    .option(
      '--from <time>',
      'begin of the span: an instant, a day, or how long ago such as 7d (default: as far as is kept)',
    )
    .option('--to <time>', 'end of the span, the same way (default: now)')
    .addOption(new Option('--format <format>', 'write all rows as they come').choices(['csv', 'json']))
    .option('--output <file>', 'write them to this file instead of the terminal')
    .option('--patching', 'show how many devices left the version, and when');
  addPlaceOptions(command).option('--json', 'print JSON').addHelpText('after', HELP).action(exposure);
}
