// Owns `slipway package`: puts a model's files where devices download them, and writes the manifest, or prints its lines.
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { hexOf } from '../../contract/digest.ts';
import { addArtifact, measureArtifact } from '../../distribution/artifacts.ts';
import type { OutputKind } from '../../documents/new-manifest.ts';
import { openHome } from '../home.ts';
import { printResult } from '../output.ts';
import { assertHoldsContent, type PackedManifest, packageManifest } from '../package-manifest.ts';
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

interface PackedFile {
  readonly role: string;
  readonly name: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly url: string;
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
async function copyFiles(
  files: readonly string[],
  { home, role: roles, dryRun = false }: PackageOptions,
): Promise<PackedFile[]> {
  const publication = dryRun ? null : (await openHome(home)).publication;
  const role = roles?.get('') ?? 'model';
  if (role === 'model' && files.length > 1)
    throw refused(
      `A variant has one model file, and these are ${files.length}.`,
      'Package one model at a time, and its other files with --role.',
    );
  checkNames(files);
  const packed: PackedFile[] = [];
  for (const file of files) {
    await assertHoldsContent(file);
    const { digest, sizeBytes } = await (publication === null ? measureArtifact(file) : addArtifact(publication, file));
    packed.push({ role, name: path.basename(file), digest, sizeBytes, url: `artifacts/${hexOf(digest)}` });
  }
  return packed;
}

function lineOf(one: PackedFile): string {
  return `        - { role: ${one.role}, name: ${one.name}, digest: "${one.digest}", sizeBytes: ${one.sizeBytes}, url: "${one.url}" }`;
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
      if (manifest === undefined) {
        const packed = await copyFiles(files, options);
        printResult({ json: packed, text: packed.map(lineOf).join('\n') }, json);
        return;
      }
      const publication = dryRun ? null : (await openHome(home)).publication;
      const packed = await packageManifest({ files, manifest, from, labels, example, kinds, roles, publication });
      printResult({ json: packed, text: dryRun ? packed.text : textOf(packed) }, json);
    });
}
