// Owns `slipway models` and `slipway lineage`: which versions there are, what each was trained from, and where it stands.
import type { Command } from 'commander';
import { findClosestWord } from '../../base/closest-word.ts';
import { CodedError } from '../../base/errors.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import {
  type LineageNode,
  lineageOf,
  type ModelVersionRow,
  modelVersions,
  type VersionStanding,
} from '../../dashboard/read-model/model-lineage.ts';
import { addListingOptions, type ListingOptions, showListing } from '../listing.ts';
import { readManifests } from '../manifests-here.ts';
import { type Result, table } from '../output.ts';
import { addRepositoryOptions, type RepositoryOptions, withFiles } from '../repository-access.ts';

const MOST_CELL = 100;
const NOTHING = '–';

type ModelsOptions = RepositoryOptions & ListingOptions;

const ROLES: Readonly<Record<VersionStanding['role'], string>> = {
  stable: 'stable in',
  candidate: 'candidate in',
  rejected: 'rejected in',
  before: 'stable before in',
};

function standingInWords({ role, rollout, text }: VersionStanding, isLong: boolean): string {
  const more = text === '' || (role !== 'candidate' && !isLong) ? '' : ` (${text})`;
  return `${ROLES[role]} ${rollout}${more}`;
}

function standsInWords({ standings, kind }: ModelVersionRow, isLong: boolean): string {
  const each = standings.map((one) => standingInWords(one, isLong));
  if (each.length > 0) return each.join('; ');
  return kind === 'draft' ? 'a draft, not released yet' : 'in no rollout';
}

function trainingInWords(row: ModelVersionRow): string {
  const { data, code, run, rounds, participants, metrics } = row;
  return [
    ...(data === null ? [] : [`data ${data}`]),
    ...(code === null ? [] : [`code ${code}`]),
    ...(run === null ? [] : [`run ${run}`]),
    ...(rounds === null ? [] : [`${rounds} rounds`]),
    ...(participants === null ? [] : [`${participants} participants`]),
    ...metrics.map(({ name, value }) => `${name} ${value}`),
  ].join(', ');
}

async function readVersions(options: RepositoryOptions): Promise<ModelVersionRow[]> {
  return modelVersions(await withFiles(options, readManifests));
}

function ofModel(rows: readonly ModelVersionRow[], model: string | undefined): ModelVersionRow[] {
  const found = rows.filter((row) => model === undefined || row.model === model);
  if (found.length > 0 || model === undefined) return found;
  const known = [...new Set(rows.map((row) => row.model))];
  const close = findClosestWord(model, known);
  throw new CodedError({
    code: 'MODEL_UNKNOWN',
    message: `There is no model ${JSON.stringify(clipped(model, 100))}.`,
    remedy: `${close === undefined ? '' : `Did you mean ${close}? `}${known.length === 0 ? 'The repository has no manifests yet.' : `Models: ${known.slice(0, 20).join(', ')}.`}`,
  });
}

async function models(model: string | undefined, options: ModelsOptions): Promise<Result> {
  const rows = ofModel(await readVersions(options), model);
  const isWide = options.output === 'wide';
  const header = ['MODEL', 'VERSION', 'TRAINED FROM', ...(isWide ? ['OWNER', 'DIGEST', 'TRAINING'] : []), 'STANDS'];
  const cells = rows.map((row) => [
    row.model,
    row.version,
    row.parent ?? NOTHING,
    ...(isWide ? [row.owner ?? NOTHING, row.digest?.slice(0, 19) ?? NOTHING, trainingInWords(row) || NOTHING] : []),
    standsInWords(row, isWide),
  ]);
  const text = table(
    header,
    cells.map((row) => row.map((cell) => clipped(oneLine(cell), MOST_CELL))),
  );
  return { json: rows, text: rows.length === 0 ? 'There are no models yet.' : text };
}

/** An only child stands below its parent, without a step to the right: most lineages are chains. */
function nodeLines({ version, children }: LineageNode, before = '', branch = '', isRoot = true): string[] {
  const { parent } = version;
  const rest = branch === '' ? before : before + (branch.startsWith('└') ? '   ' : '│  ');
  const mark = children.length > 0 ? '│ ' : '  ';
  const more = [
    ...(isRoot && parent !== null ? [`trained from ${parent}, which is not here`] : []),
    ...(trainingInWords(version) === '' ? [] : [trainingInWords(version)]),
  ];
  const lines = [
    `${before}${branch}${version.version}: ${standsInWords(version, true)}`,
    ...more.map((line) => `${rest}${mark}${line}`),
  ];
  const [only] = children.length === 1 ? children : [];
  const below =
    only === undefined
      ? children.flatMap((child, i) => nodeLines(child, rest, i === children.length - 1 ? '└─ ' : '├─ ', false))
      : nodeLines(only, rest, '', false);
  return [...lines.map((line) => clipped(oneLineKept(line), 300)), ...below];
}

/** Manifests are bounded by their schema; what they say stays on its line, with the tree before it. */
function oneLineKept(line: string): string {
  const indent = /^[│└├─ ]*/.exec(line)?.[0] ?? '';
  return indent + oneLine(line.slice(indent.length));
}

async function lineage(model: string, options: ModelsOptions): Promise<Result> {
  const rows = ofModel(await readVersions(options), model);
  const tree = lineageOf(rows);
  return {
    json: { model, versions: tree },
    text: [model, ...tree.flatMap((node) => nodeLines(node))].join('\n'),
  };
}

export function addModelsCommands(program: Command): void {
  const list = program
    .command('models')
    .description('list the versions of models, and where each stands')
    .argument('[model]', 'only of this model');
  addListingOptions(addRepositoryOptions(list, { readsFolder: true })).action(
    (model: string | undefined, options: ModelsOptions) => showListing(() => models(model, options), options),
  );
  const tree = program
    .command('lineage')
    .description('show what the versions of a model were trained from, as a tree, and where each stands')
    .argument('<model>', 'name of the model');
  addListingOptions(addRepositoryOptions(tree, { readsFolder: true })).action((model: string, options: ModelsOptions) =>
    showListing(() => lineage(model, options), options),
  );
}
