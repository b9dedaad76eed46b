// Owns the keys that `slipway init` makes for others than the service: the folder that holds them, and those that still lie in a home.
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { shellWord } from '../base/shell-word.ts';
import type { Home } from './home.ts';

/** CI's private key, and those of the TUF root and of trust policies. The public halves are in the home. */
export interface KeyFolder {
  readonly folder: string;
  readonly ciKey: string;
  readonly rootKey: string;
  readonly trustKey: string;
}

export function keyFolderAt(folder: string): KeyFolder {
  const at = (...parts: string[]): string => path.join(path.resolve(folder), ...parts);
  return { folder: at(), ciKey: at('ci.key'), rootKey: at('root.key'), trustKey: at('trust.key') };
}

/** `.slipway-keys` for `.slipway`: beside the home, so that a copy of the home holds none of these keys. */
export function folderBeside(home: string): string {
  const named = ['', '.', '..'].includes(path.basename(home)) ? path.resolve(home) : home;
  return path.join(path.dirname(named), `${path.basename(named)}-keys`);
}

/** Readable by its owner alone. Git ignores it, should it lie in a clone. */
export async function assureKeyFolder({ folder }: KeyFolder): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path.join(folder, '.gitignore'), '*\n');
}

export async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Where CI's private key is: in the folder of keys, or in the home as older versions left it; undefined if it was taken elsewhere. */
export async function findCiKey(home: Home, keys: KeyFolder): Promise<string | undefined> {
  for (const file of [keys.ciKey, ciKeyInHome(home)]) if (await isThere(file)) return file;
  return undefined;
}

function ciKeyInHome(home: Home): string {
  return path.join(path.dirname(home.ciPublicKey), 'ci.key');
}

/** A key in the home that the service does not need, and what to do about it. */
export interface MisplacedKey {
  readonly file: string;
  readonly message: string;
  readonly move: string;
}

const CI_MESSAGE = "CI's key is in the home, and the service does not need it: a thief of the home could sign models";
const ROOT_MESSAGE =
  'the TUF root key is in the home, and the service does not need it: a thief of the home could keep the service out for good';
const TRUST_MESSAGE =
  'the key of trust policies is in the home, and the service does not need it: a thief of the home could name signers for devices';

export async function findMisplacedKeys(home: Home): Promise<MisplacedKey[]> {
  const folder = folderBeside(home.folder);
  const names = (await readdir(home.tuf).catch((): string[] => [])).sort();
  const ciKey = ciKeyInHome(home);
  const found = [
    ...((await isThere(ciKey)) ? [{ file: ciKey, message: CI_MESSAGE }] : []),
    ...names.flatMap((name) => {
      const [, role] = /^(root|trust)(?:-\d+)?\.key$/.exec(name) ?? [];
      const message = role === 'root' ? ROOT_MESSAGE : TRUST_MESSAGE;
      return role === undefined ? [] : [{ file: path.join(home.tuf, name), message }];
    }),
  ];
  const move = (file: string): string =>
    `mkdir -p -m 700 ${shellWord(folder)} && mv ${shellWord(file)} ${shellWord(folder)}/`;
  return found.map((key) => ({ ...key, move: move(key.file) }));
}
