// Owns reading what a publication folder says of itself, however damaged it is.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent } from '../base/durable-file.ts';
import { sha256Hex } from '../contract/digest.ts';
import { DIRECTIVE_TARGET, type Directive } from '../contract/directive.ts';
import { parseDirective } from '../contract/directive-json.ts';

/** What `timestamp.json` and the targets that it leads to say. */
export interface Pointer {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly directiveHex: string | undefined;
}

interface Signed {
  readonly version?: unknown;
  readonly expires?: unknown;
  readonly targets?: Readonly<Record<string, { readonly hashes?: { readonly sha256?: unknown } } | undefined>>;
}

/** Undefined when the file is absent or damaged: either way it has to be written anew. */
async function readSigned(folder: string, name: string): Promise<Signed | undefined> {
  const bytes = await readFileIfPresent(path.join(folder, 'metadata', name));
  if (bytes === undefined) return undefined;
  try {
    return (JSON.parse(bytes.toString('utf8')) as { readonly signed?: Signed } | null)?.signed;
  } catch {
    return undefined;
  }
}

export async function readPointer(folder: string): Promise<Pointer | undefined> {
  const timestamp = await readSigned(folder, 'timestamp.json');
  const version = timestamp?.version;
  const expiresAtMs = Date.parse(String(timestamp?.expires));
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || Number.isNaN(expiresAtMs)) return undefined;
  const targets = await readSigned(folder, `${version}.targets.json`);
  const hex = targets?.targets?.[DIRECTIVE_TARGET]?.hashes?.sha256;
  return {
    version,
    expiresAtMs,
    directiveHex: typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex) ? hex : undefined,
  };
}

/** Does everything lie there that the pointer leads to? Else it has to be published anew. */
export async function isWhole(folder: string, { version, directiveHex }: Pointer): Promise<boolean> {
  if (directiveHex === undefined || (await readSigned(folder, `${version}.snapshot.json`)) === undefined) return false;
  return (await readTarget(folder, directiveHex)) !== undefined;
}

async function readTarget(folder: string, hex: string): Promise<Buffer | undefined> {
  const bytes = await readFileIfPresent(path.join(folder, 'targets', `${hex}.${DIRECTIVE_TARGET}`));
  return bytes === undefined || sha256Hex(bytes) !== hex ? undefined : bytes;
}

/** The directive that devices get from the folder now; undefined when they get none. Throws DIRECTIVE_UNREADABLE for one of a newer service. */
export async function readDirective(folder: string): Promise<Directive | undefined> {
  const hex = (await readPointer(folder))?.directiveHex;
  const bytes = hex === undefined ? undefined : await readTarget(folder, hex);
  return bytes === undefined ? undefined : parseDirective(bytes);
}

/** Versions of metadata files in the folder; also of those that nothing points to, left by a publication that was cut off. */
export async function listVersions(folder: string): Promise<{ readonly name: string; readonly version: number }[]> {
  const found: { name: string; version: number }[] = [];
  for (const name of await readdir(path.join(folder, 'metadata'))) {
    const numbered =
      /^(\d{1,15})\.(?:targets|snapshot)\.json$/.exec(name) ?? /^\.timestamp\.(\d{1,15})\.json$/.exec(name);
    if (numbered !== null) found.push({ name, version: Number(numbered[1]) });
  }
  return found;
}

/** No version up to this one may be used again. */
export async function highestVersion(folder: string): Promise<number> {
  const pointed = (await readPointer(folder))?.version ?? 0;
  return (await listVersions(folder)).reduce((highest, { version }) => Math.max(highest, version), pointed);
}
