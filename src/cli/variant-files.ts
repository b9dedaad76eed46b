// Owns the files of a new version: which variant each belongs to, and which role it has there.
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../base/errors.ts';
import type { Variant } from '../contract/types.generated.ts';
import { isLfsPointer } from '../documents/foreign-words.ts';

export type FileRole = Variant['files'][number]['role'];

export const ROLES = ['model', 'data', 'labels', 'preprocess', 'postprocess'] as const satisfies readonly FileRole[];

export interface VariantFiles {
  readonly platform: string;
  readonly capabilities: readonly string[];
  readonly precision: string | undefined;
  readonly model: string;
  /** Files beside the model, in alphabetical order. */
  readonly others: readonly string[];
}

/** As manifests name files. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}$/;
const PRECISION = /^(?:fp|bf|int|uint)\d{1,2}$/;

export function refused(message: string, remedy: string): CodedError {
  return new CodedError({ code: 'PACKAGE_FILES', message, remedy });
}

/** Names that no manifest could list are refused. */
export function checkNames(files: readonly string[]): void {
  const names = files.map((file) => path.basename(file));
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined)
    throw refused(
      `${JSON.stringify(odd)} can't be the name of a file on devices.`,
      'Rename it: letters, digits and . _ + -, beginning with a letter, a digit or _.',
    );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refused(`Two of the files are named ${twice}.`, 'Rename one of them.');
}

/** Throws for what no device could take, before a byte is copied. What can't be read at all is told by whoever copies it. */
export async function assertHoldsContent(file: string): Promise<void> {
  // A pipe would be waited for.
  const source = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined);
  if (source === undefined) return;
  const head = Buffer.alloc(100);
  try {
    const found = await source.stat();
    if (!found.isFile()) throw refused(`${file} is not a regular file.`, 'Name the file that your training wrote.');
    if (found.size === 0) throw refused(`${file} is empty.`, 'Name the file that your training wrote.');
    await source.read(head, 0, head.length, 0);
  } finally {
    await source.close();
  }
  if (isLfsPointer(head.toString()))
    throw refused(`${file} is a pointer of Git LFS, not the model.`, 'Run `git lfs pull`, then package it again.');
}

/**
 * Files make one variant, for any platform; each folder makes one, of the platform that it is named for: `linux-arm64`, or
 * `linux-arm64+npu+int8` with a capability and a precision. A folder of nothing but folders holds variants. The most specific comes first.
 */
export async function findVariants(given: readonly string[]): Promise<VariantFiles[]> {
  const found = await Promise.all(given.map(async (one) => ((await isFolder(one)) ? await inFolder(one) : null)));
  const folders = found.flatMap((one) => one ?? []);
  if (folders.length === 0) return [variantOf('any', given)];
  if (found.includes(null))
    throw refused('These are files and folders.', 'Name files of one variant, or a folder for each variant.');
  const isOne = folders.length === 1;
  const variants = folders.map(({ folder, files }) => variantOf(path.basename(folder), files, isOne));
  return variants.sort(bySpecificity);
}

function bySpecificity(a: VariantFiles, b: VariantFiles): number {
  const rank = ({ platform, capabilities }: VariantFiles): number =>
    (platform === 'any' ? 1000 : 0) - 10 * capabilities.length - platform.split('/').length;
  const name = ({ platform, capabilities }: VariantFiles): string => [platform, ...capabilities].join(' ');
  return rank(a) - rank(b) || (name(a) < name(b) ? -1 : 1);
}

interface Folder {
  readonly folder: string;
  readonly files: readonly string[];
}

async function isFolder(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isDirectory() ?? false;
}

async function inFolder(folder: string): Promise<Folder[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  const members = await Promise.all(
    names.map(async (name) => ({ file: path.join(folder, name), isFolder: await isFolder(path.join(folder, name)) })),
  );
  const files = members.map(({ file }) => file);
  if (files.length === 0) throw refused(`${folder} has no files.`, 'Name the folder that your training wrote.');
  if (!members.some((one) => one.isFolder)) return [{ folder, files }];
  if (!members.every((one) => one.isFolder))
    throw refused(
      `${folder} holds files and folders.`,
      'A variant has no folders within: put each variant into a folder of its own.',
    );
  const inside = await Promise.all(files.map(inFolder));
  return inside.flat();
}

function variantOf(name: string, files: readonly string[], isOnlyFolder = false): VariantFiles {
  checkNames(files);
  const [system = '', ...more] = name.split('+');
  const platform = system.replace('-', '/').replace(/-(?=[^-]*$)/, '/');
  const isPlatform = /^(?:any|[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?)$/.test(platform);
  if (!isPlatform && !isOnlyFolder)
    throw refused(
      `The folder ${name} is not named for a platform.`,
      'Name it as in linux-arm64, any, or linux-arm64+npu+int8 (with capabilities and a precision).',
    );
  const model = modelAmong(files);
  return {
    ...(isPlatform
      ? {
          platform,
          capabilities: more.filter((word) => !PRECISION.test(word)),
          precision: more.find((word) => PRECISION.test(word)),
        }
      : { platform: 'any', capabilities: [], precision: undefined }),
    model,
    others: files.filter((file) => file !== model).sort(),
  };
}

function modelAmong(files: readonly string[]): string {
  const models = files.length === 1 ? files : files.filter((file) => file.endsWith('.onnx'));
  const named = models.length > 0 ? models : files.filter((file) => path.parse(file).name === 'model');
  const [model] = named;
  if (model !== undefined && named.length === 1) return model;
  throw refused(
    `A variant has one model file, and these are ${named.length}: ${files.map((file) => path.basename(file)).join(', ')}.`,
    'Package one model at a time; a variant has one `.onnx` file, or one file named `model` with any other ending.',
  );
}
