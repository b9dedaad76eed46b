// Owns `slipway package`: puts a model's files where devices download them, and writes the manifest, or prints its lines.
import path from 'node:path';
import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { measureArtifact } from '../../distribution/artifacts.ts';
import type { OutputKind } from '../../documents/new-manifest.ts';
import { openArtifactStore } from '../artifact-places.ts';
import { printResult } from '../output.ts';
import { assertHoldsContent, type PackedManifest, packageManifest } from '../package-manifest.ts';
import { type PlacedArtifact, type Placing, placeArtifact } from '../place-artifact.ts';
import { homeOption } from '../settings.ts';
import { checkNames, type FileRole, ROLES, refused } from '../variant-files.ts';

const KINDS: readonly OutputKind[] = ['classes', 'scalar', 'embedding', 'detections', 'text'];

interface PackageOptions {
  readonly home: string;
  readonly manifest?: string;
  readonly from?: string;
  readonly labels?: string;
  readonly example?: string;
  readonly kind?: ReadonlyMap<string, OutputKind>;
  /** '' stands for files that are not named. */
  readonly role?: ReadonlyMap<string, FileRole>;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface PackedFile extends Omit<PlacedArtifact, 'file'> {
  readonly role: string;
  readonly name: string;
}

/** Collects `name=word` of a repeated option; a word alone stands for ''. */
function wordsOf<T extends string>(words: readonly T[], needsName: boolean) {
  return (text: string, before?: ReadonlyMap<string, T>): ReadonlyMap<string, T> => {
    const cut = text.lastIndexOf('=');
    const word = words.find((one) => one === text.slice(cut + 1));
    if (word !== undefined && (cut > 0 || !needsName))
      return new Map(before).set(text.slice(0, Math.max(0, cut)), word);
    throw new InvalidArgumentError(`Allowed choices are ${words.join(', ')}.`);
  };
}

/** Copies files, for a manifest that people write themselves. */
async function copyFiles(files: readonly string[], roles: PackageOptions['role'], to: Placing): Promise<PackedFile[]> {
  const role = roles?.get('') ?? 'model';
  if (role === 'model' && files.length > 1)
    throw refused(
      `A variant has one model file, and these are ${files.length}.`,
      'Package one model at a time, and its other files with --role.',
    );
  checkNames(files);
  const packed: PackedFile[] = [];
  for (const one of files) {
    await assertHoldsContent(one);
    const { file, ...placed } = await placeArtifact(one, await measureArtifact(one), to);
    packed.push({ role, name: path.basename(file), ...placed });
  }
  return packed;
}

function lineOf(one: PackedFile): string {
  return `        - { role: ${one.role}, name: ${one.name}, digest: "${one.digest}", sizeBytes: ${one.sizeBytes}, url: "${one.url}" }`;
}

/** Progress goes where results don't. */
function say(progress: string): void {
  process.stderr.write(`${progress}\n`);
}

function textOf({ manifest, digest, sequence, framework, onnx, variants }: PackedManifest): string {
  const format = onnx === null ? framework : `ONNX, operators ${onnx.opset}, IR ${onnx.irVersion}`;
  const files = variants.flatMap(({ platform, files: its }) =>
    its.map(({ role, name, sizeBytes }) => `  ${platform}  ${role}  ${name}  ${sizeBytes} bytes`),
  );
  return [`wrote ${manifest}  ${digest}  sequence ${sequence}  ${format}`, ...files].join('\n');
}

export function addPackageCommand(program: Command): void {
  program
    .command('package')
    .description(
      "copy a model's files to where devices download them, and write the manifest of the version (--manifest), or print lines for one",
    )
    .argument('<files...>', 'files of one variant, or with --manifest a folder for each variant')
    .addOption(homeOption())
    .option(
      '--manifest <file>',
      'manifest to write, models/<model>/<version>.yaml; inputs, outputs and files with weights are read out of the ONNX file',
    )
    .option('--from <manifest>', 'manifest whose other fields are taken over, such as that of the version before')
    .option('--labels <file>', 'class names, one a line or a JSON list (default: labels.txt among the files)')
    .option(
      '--example <file>',
      'JSON with inputs for the self-test: the expected answer is worked out, and every variant must give it',
    )
    .addOption(
      new Option(
        '--kind <output=kind>',
        `what an output is: ${KINDS.join(', ')}; repeated (default: as --from says)`,
      ).argParser(wordsOf(KINDS, true)),
    )
    .addOption(
      new Option(
        '--role <role>',
        `role of the files: ${ROLES.join(', ')} (default: model); with --manifest <file>=<role>, repeated`,
      ).argParser(wordsOf(ROLES, false)),
    )
    .option('--dry-run', 'copy and write nothing; print what would be written')
    .option('--json', 'print JSON')
    .action(async (files: string[], options: PackageOptions) => {
      const {
        home,
        manifest,
        from = null,
        labels = null,
        example = null,
        kind: kinds = new Map<string, OutputKind>(),
        role: roles = new Map<string, FileRole>(),
        dryRun = false,
        json = false,
      } = options;
      const store = await openArtifactStore({ home, isDryRun: dryRun });
      const to = { store, isDryRun: dryRun, say };
      if (manifest === undefined) {
        const packed = await copyFiles(files, options.role, to);
        printResult({ json: packed, text: packed.map(lineOf).join('\n') }, json);
        return;
      }
      const packed = await packageManifest({ files, manifest, from, labels, example, kinds, roles, ...to });
      printResult({ json: packed, text: dryRun ? packed.text : textOf(packed) }, json);
    });
}
