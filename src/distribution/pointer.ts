// Owns reading what a publication folder says of itself, however damaged it is.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent } from '../base/durable-file.ts';
import { sha256Hex } from '../contract/digest.ts';
import { DIRECTIVE_TARGET, type Directive } from '../contract/directive.ts';
import { parseDirective } from '../contract/directive-json.ts';

/** A file that the pointer leads to, as it was signed. */
export interface NamedFile {
  readonly version: number;
  readonly bytes: Buffer;
  readonly expiresAtMs: number;
}

/** What `timestamp.json` leads to; files that are absent or not as they were signed are undefined. */
export interface Pointer {
  readonly version: number;
  /** When the first of its signatures ends. */
  readonly expiresAtMs: number;
  readonly timestamp: NamedFile;
  readonly snapshot: NamedFile | undefined;
  readonly targets: NamedFile | undefined;
  readonly directiveHex: string | undefined;
}

interface Meta {
  readonly version?: unknown;
  readonly hashes?: { readonly sha256?: unknown };
}

interface Signed {
  readonly version?: unknown;
  readonly expires?: unknown;
  readonly meta?: Readonly<Record<string, Meta | undefined>>;
  readonly targets?: Readonly<Record<string, Meta | undefined>>;
}

interface Found {
  readonly file: NamedFile;
  readonly signed: Signed;
}

/** Undefined when the file is absent or damaged: either way it has to be written anew. */
async function readSigned(folder: string, name: string): Promise<Found | undefined> {
  const bytes = await readFileIfPresent(path.join(folder, 'metadata', name));
  if (bytes === undefined) return undefined;
  try {
    const { signed = {} } = JSON.parse(bytes.toString('utf8')) as { readonly signed?: Signed };
    const { version } = signed;
    const expiresAtMs = Date.parse(String(signed.expires));
    const isWhole = typeof version === 'number' && Number.isSafeInteger(version) && !Number.isNaN(expiresAtMs);
    return isWhole ? { file: { version, bytes, expiresAtMs }, signed } : undefined;
  } catch {
    return undefined;
  }
}

/** The file that `above` names, if it is the one that was signed. */
async function readNamed(folder: string, above: Found | undefined, role: string): Promise<Found | undefined> {
  const meta = above?.signed.meta?.[`${role}.json`];
  const found = meta && (await readSigned(folder, `${Number(meta.version)}.${role}.json`));
  return found !== undefined && sha256Hex(found.file.bytes) === meta?.hashes?.sha256 ? found : undefined;
}

export async function readPointer(folder: string): Promise<Pointer | undefined> {
  const timestamp = await readSigned(folder, 'timestamp.json');
  if (timestamp === undefined) return undefined;
  const snapshot = await readNamed(folder, timestamp, 'snapshot');
  const targets = await readNamed(folder, snapshot, 'targets');
  const ends = [timestamp, snapshot, targets].flatMap((one) => (one === undefined ? [] : [one.file.expiresAtMs]));
  const hex = targets?.signed.targets?.[DIRECTIVE_TARGET]?.hashes?.sha256;
  return {
    version: timestamp.file.version,
    expiresAtMs: Math.min(...ends),
    timestamp: timestamp.file,
    snapshot: snapshot?.file,
    targets: targets?.file,
    directiveHex: typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex) ? hex : undefined,
  };
}

/** Does everything lie there that the pointer leads to? Else it has to be published anew. */
export async function isWhole(folder: string, { directiveHex }: Pointer): Promise<boolean> {
  return directiveHex !== undefined && (await readTarget(folder, directiveHex)) !== undefined;
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

export interface NumberedFile {
  readonly name: string;
  readonly role: string;
  readonly version: number;
}

/** Metadata files in the folder; also those that nothing points to, left by a publication that was cut off. */
export async function listVersions(folder: string): Promise<NumberedFile[]> {
  const found: NumberedFile[] = [];
  for (const name of await readdir(path.join(folder, 'metadata'))) {
    const [, before, targets, after] =
      /^(\d{1,15})\.(targets|snapshot)\.json$|^\.timestamp\.(\d{1,15})\.json$/.exec(name) ?? [];
    const version = before ?? after;
    if (version !== undefined) found.push({ name, role: targets ?? 'timestamp', version: Number(version) });
  }
  return found;
}

/** No version up to this one may be used again. */
export async function highestVersion(folder: string): Promise<number> {
  const pointed = (await readPointer(folder))?.version ?? 0;
  return (await listVersions(folder)).reduce((highest, { version }) => Math.max(highest, version), pointed);
}
