// Owns `slipway package`: puts a model's files where devices download them, and writes the manifest, or prints its lines.
import path from 'node:path';
import type { Command } from 'commander';
import { measureArtifact } from '../../distribution/artifacts.ts';
import { openArtifactStore } from '../artifact-places.ts';
import { printResult } from '../output.ts';
import { type PackedManifest, packageManifest } from '../package-manifest.ts';
import { addPackageOptions, manifestFacts, type PackageOptions, sayProgress } from '../package-options.ts';
import { type PlacedArtifact, type Placing, placeArtifact } from '../place-artifact.ts';
import { INSECURE_HTTP } from '../service-settings.ts';
import { serverOption, sourceTime } from '../settings.ts';
import { assertHoldsContent, checkNames, refused } from '../variant-files.ts';

interface CommandOptions extends PackageOptions {
  readonly manifest?: string;
  /** True without a path: beside the manifest. */
  readonly bom?: string | true;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface PackedFile extends Omit<PlacedArtifact, 'file'> {
  readonly role: string;
  readonly name: string;
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

function textOf({ manifest, digest, sequence, framework, onnx, variants, bomFile }: PackedManifest): string {
  const format = onnx === null ? framework : `ONNX, operators ${onnx.opset}, IR ${onnx.irVersion}`;
  const files = variants.flatMap(({ platform, files: its }) =>
    its.map(({ role, name, sizeBytes }) => `  ${platform}  ${role}  ${name}  ${sizeBytes} bytes`),
  );
  const bill = bomFile === null ? [] : [`wrote ${bomFile}  CycloneDX ML-BOM`];
  return [`wrote ${manifest}  ${digest}  sequence ${sequence}  ${format}`, ...files, ...bill].join('\n');
}

function storedLine(place: string, artifacts: readonly PlacedArtifact[]): string {
  const known = artifacts.filter(({ isNew }) => !isNew).length;
  const files = `${artifacts.length} file${artifacts.length === 1 ? '' : 's'}`;
  return `stored in ${place}: ${files}${known === 0 ? '' : `, ${known} of them there already`}`;
}

export function addPackageCommand(program: Command): void {
  const command = program
    .command('package')
    .description(
      "copy a model's files to where devices download them, and write the manifest of the version (--manifest), or print lines for one",
    )
    .argument('<files...>', 'files of one variant, or with --manifest a folder for each variant')
    .option(
      '--manifest <file>',
      'manifest to write, models/<model>/<version>.yaml; inputs, outputs and files with weights are read out of the ONNX file',
    );
  addPackageOptions(command)
    .addOption(serverOption('for `--to service`'))
    .option('--insecure-http', INSECURE_HTTP)
    .option(
      '--bom [file]',
      'with --manifest: write a CycloneDX ML-BOM, too, and its digest into the manifest (default: <version>.cdx.json beside it)',
    )
    .option('--dry-run', 'copy and write nothing; print what would be written')
    .option('--json', 'print JSON')
    .action(async (files: string[], options: CommandOptions) => {
      const { manifest, bom, dryRun = false, json = false } = options;
      const store = await openArtifactStore({ ...options, isDryRun: dryRun });
      const to = { store, isDryRun: dryRun, say: sayProgress };
      const bill = {
        bom: bom === undefined ? null : { time: sourceTime() },
        bomFile: typeof bom === 'string' ? bom : null,
      };
      if (manifest === undefined) {
        const packed = await copyFiles(files, options.role, to);
        printResult({ json: packed, text: packed.map(lineOf).join('\n') }, json);
        return;
      }
      const packed = await packageManifest({ files, manifest, ...manifestFacts(options), ...bill, ...to });
      const stored = options.to === undefined ? [] : [storedLine(store.place, packed.artifacts)];
      const text = dryRun ? packed.text : [textOf(packed), ...stored].join('\n');
      printResult({ json: packed, text }, json);
    });
}
