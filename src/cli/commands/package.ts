// Owns `slipway package`: puts a model's files where devices download them, and prints their lines for the manifest.
import path from 'node:path';
import { type Command, Option } from 'commander';
import { hexOf } from '../../contract/digest.ts';
import { addArtifact } from '../../distribution/folder-publication.ts';
import { openHome } from '../home.ts';
import { printResult } from '../output.ts';
import { homeOption } from '../settings.ts';

const ROLES = ['model', 'labels', 'preprocess', 'postprocess'];

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
      const packed: PackedFile[] = [];
      for (const file of files) {
        const { digest, sizeBytes } = await addArtifact(publication, file);
        packed.push({ role, name: path.basename(file), digest, sizeBytes, url: `artifacts/${hexOf(digest)}` });
      }
      const line = (one: PackedFile): string =>
        `        - { role: ${one.role}, name: ${one.name}, digest: "${one.digest}", sizeBytes: ${one.sizeBytes}, url: "${one.url}" }`;
      printResult({ json: packed, text: packed.map(line).join('\n') }, json);
    });
}
