// Owns `slipway package`: puts a model's files where devices download them, and prints their lines for the manifest.
import { open } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { CodedError } from '../../base/errors.ts';
import { hexOf } from '../../contract/digest.ts';
import { addArtifact } from '../../distribution/folder-publication.ts';
import { isLfsPointer } from '../../documents/foreign-words.ts';
import { openHome } from '../home.ts';
import { printResult } from '../output.ts';
import { homeOption } from '../settings.ts';

const ROLES = ['model', 'data', 'labels', 'preprocess', 'postprocess'];

interface PackageOptions {
  readonly home: string;
  readonly role: string;
  readonly json?: boolean;
}

interface PackedFile {
  readonly role: string;
  readonly name: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly url: string;
}

/** As manifests name files. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}$/;

function refused(message: string, remedy: string): CodedError {
  return new CodedError({ code: 'PACKAGE_FILES', message, remedy });
}

/** What no manifest could list is refused before a byte is copied. */
function checkFiles(files: readonly string[], role: string): void {
  const names = files.map((file) => path.basename(file));
  if (role === 'model' && files.length > 1)
    throw refused(
      `A variant has one model file, and these are ${files.length}.`,
      'Package one model at a time, and its other files with --role.',
    );
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined)
    throw refused(
      `${JSON.stringify(odd)} can't be the name of a file on devices.`,
      'Rename it: letters, digits and . _ + -, beginning with a letter, a digit or _.',
    );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refused(`Two of the files are named ${twice}.`, 'Rename one of them.');
}

/** What can't be read at all is told by whoever copies it. */
async function assertHoldsModel(file: string): Promise<void> {
  const source = await open(file).catch(() => undefined);
  if (source === undefined) return;
  const head = Buffer.alloc(100);
  try {
    const found = await source.stat();
    if (!found.isFile()) return;
    if (found.size === 0) throw refused(`${file} is empty.`, 'Name the file that your training wrote.');
    await source.read(head, 0, head.length, 0);
  } finally {
    await source.close();
  }
  if (isLfsPointer(head.toString()))
    throw refused(`${file} is a pointer of Git LFS, not the model.`, 'Run `git lfs pull`, then package it again.');
}

export function addPackageCommand(program: Command): void {
  program
    .command('package')
    .description("copy a model's files to where devices download them, and print their lines for the manifest")
    .argument('<files...>', 'files of one variant')
    .addOption(homeOption())
    .addOption(new Option('--role <role>', 'role of the files').choices(ROLES).default('model'))
    .option('--json', 'print JSON')
    .action(async (files: string[], { home, role, json = false }: PackageOptions) => {
      const { publication } = await openHome(home);
      checkFiles(files, role);
      const packed: PackedFile[] = [];
      for (const file of files) {
        await assertHoldsModel(file);
        const { digest, sizeBytes } = await addArtifact(publication, file);
        packed.push({ role, name: path.basename(file), digest, sizeBytes, url: `artifacts/${hexOf(digest)}` });
      }
      const line = (one: PackedFile): string =>
        `        - { role: ${one.role}, name: ${one.name}, digest: "${one.digest}", sizeBytes: ${one.sizeBytes}, url: "${one.url}" }`;
      printResult({ json: packed, text: packed.map(line).join('\n') }, json);
    });
}
