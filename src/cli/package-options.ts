// Owns the options that say what the files of a version are, for the commands that make its manifest.
import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { OutputKind } from '../documents/new-manifest.ts';
import { addPlaceOptions, type PlaceOptions } from './artifact-places.ts';
import type { ManifestOrder } from './package-manifest.ts';
import { homeOption } from './settings.ts';
import { type FileRole, ROLES } from './variant-files.ts';

const KINDS: readonly OutputKind[] = ['classes', 'scalar', 'embedding', 'detections', 'text'];

export interface PackageOptions extends PlaceOptions {
  readonly from?: string;
  readonly labels?: string;
  readonly example?: readonly string[];
  readonly kind?: ReadonlyMap<string, OutputKind>;
  /** '' stands for files that are not named. */
  readonly role?: ReadonlyMap<string, FileRole>;
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

export function addPackageOptions(command: Command): Command {
  return addPlaceOptions(command.addOption(homeOption()))
    .option('--from <manifest>', 'manifest whose other fields are taken over, such as that of the version before')
    .option('--labels <file>', 'class names, one a line or a JSON list (default: labels.txt among the files)')
    .addOption(
      new Option(
        '--example <file>',
        'inputs for the self-test, as JSON, or .npy (<input>=<file>.npy, repeated): the expected answer is worked out, and every variant must give it',
      ).argParser((file: string, before: readonly string[] = []) => [...before, file]),
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
    );
}

/** What the options say of the files. */
export function manifestFacts(
  options: PackageOptions,
): Pick<ManifestOrder, 'from' | 'labels' | 'example' | 'kinds' | 'roles'> {
  const { from = null, labels = null, example = [], kind: kinds, role: roles } = options;
  return { from, labels, example, kinds: kinds ?? new Map(), roles: roles ?? new Map() };
}

/** Progress goes where results don't. */
export function sayProgress(progress: string): void {
  process.stderr.write(`${progress}\n`);
}
