// Owns finding the one rollout that a request is about, in the files of a clone or of a commit.
import { findClosestWord } from '../base/closest-word.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, digestOf, hexOf } from '../contract/digest.ts';
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { DEFAULT_LAYOUT, type Layout, nameOfPath } from '../documents/repository-layout.ts';
import type { Rollout, RolloutPolicy } from '../documents/types.generated.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';

export const DOCUMENT_LIMIT_BYTES = 256 * 1024;

export interface DesiredManifest {
  readonly version: string;
  readonly digest: Digest;
}

export interface FoundRollout {
  readonly file: string;
  readonly text: string;
  readonly rollout: Rollout;
  readonly layout: Layout;
}

export function unknownRollout(name: string, known: readonly string[]): CodedError {
  const close = findClosestWord(name, known);
  const list =
    known.length === 0
      ? `There are no rollouts yet: commit one of a released version as rollouts/${name}.yaml, or check that this is the right repository or service.`
      : `Known rollouts: ${known.slice(0, 20).join(', ')}.`;
  return new CodedError({
    code: 'ROLLOUT_UNKNOWN',
    message: `There is no rollout ${JSON.stringify(name)}.`,
    remedy: close === undefined ? list : `Did you mean ${close}? ${list}`,
  });
}

function isDocument(file: string): boolean {
  return /\.(ya?ml|json)$/.test(file) && !file.endsWith('.sigstore.json');
}

export async function readLayout(files: RepositoryFiles): Promise<Layout> {
  const settings = 'slipway.yaml';
  if (!files.paths.includes(settings)) return DEFAULT_LAYOUT;
  const parsed = parseDocument(settings, await files.read(settings, DOCUMENT_LIMIT_BYTES));
  const isSettings = parsed.kind === 'parsed' && parsed.document.kind === 'Repository';
  return isSettings ? { ...DEFAULT_LAYOUT, ...parsed.document.spec.layout } : DEFAULT_LAYOUT;
}

/** The one rollout of the name. Throws ROLLOUT_UNKNOWN, DOCUMENT_TWICE, and its first problem when it is broken. */
export async function findRollout(files: RepositoryFiles, name: string): Promise<FoundRollout> {
  const layout = await readLayout(files);
  const isRollout = (file: string): boolean => file.startsWith(`${layout.rollouts}/`) && isDocument(file);
  const all = files.paths.filter(isRollout);
  const [file, twin] = all.filter((one) => nameOfPath(one) === name);
  if (file === undefined) throw unknownRollout(name, all.map(nameOfPath));
  if (twin !== undefined) {
    throw new CodedError({
      code: 'DOCUMENT_TWICE',
      message: `${file} and ${twin} have the same name.`,
      remedy: 'Rename one of them: names are unique over all folders.',
    });
  }
  const bytes = await files.read(file, DOCUMENT_LIMIT_BYTES);
  return { file, text: bytes.toString('utf8'), rollout: parseRollout(file, bytes), layout };
}

/** Throws the first problem of a broken document, and DOCUMENT_MISPLACED. */
export function parseRollout(file: string, bytes: Buffer): Rollout {
  const parsed = parseDocument(file, bytes);
  if (parsed.kind === 'broken')
    throw parsed.errors[0] ?? new CodedError({ code: 'DOCUMENT_BROKEN', message: `${file} can't be read.` });
  if (parsed.document.kind === 'Rollout') return parsed.document;
  throw new CodedError({
    code: 'DOCUMENT_MISPLACED',
    message: `${file} is a ${parsed.document.kind}, not a Rollout.`,
    remedy: 'Move it to the folder of its kind.',
  });
}

/** Paths of the model's manifests. */
export function manifestsOf({ paths }: RepositoryFiles, { models }: Layout, model: string): string[] {
  return paths.filter((file) => file.startsWith(`${models}/`) && file.split('/').at(-2) === model && isDocument(file));
}

/** The version that is meant by a version, a range or `latest`, by the names of manifests; undefined when there is none. */
export async function findManifest(
  files: RepositoryFiles,
  { rollout: { spec }, layout }: FoundRollout,
  desired: string,
): Promise<DesiredManifest | undefined> {
  const { model } = spec;
  const isMeant = (version: string): boolean =>
    desired === 'latest' || (isVersionRange(desired) ? satisfiesRange(version, desired) : version === desired);
  const found = manifestsOf(files, layout, model)
    .map((file) => ({ file, version: nameOfPath(file) }))
    .filter(({ version }) => isMeant(version))
    .sort((a, b) => compareVersions(a.version, b.version))
    .at(-1);
  if (found === undefined) return undefined;
  const digest = digestOf(await files.read(found.file, DOCUMENT_LIMIT_BYTES));
  return { version: found.version, digest };
}

/** The copy of the policy that was pinned when the stage began: it says who may approve. Undefined where there is none to read. */
export async function findPinnedPolicy(
  files: RepositoryFiles,
  { rollout, layout }: FoundRollout,
): Promise<RolloutPolicy | undefined> {
  const { status, metadata } = rollout;
  if (status?.policy == null) return undefined;
  const copy = `${layout.evidence}/${metadata.name}/${hexOf(status.policy as Digest)}.policy.yaml`;
  if (!files.paths.includes(copy)) return undefined;
  const parsed = parseDocument(copy, await files.read(copy, DOCUMENT_LIMIT_BYTES), { isCopy: true });
  return parsed.kind === 'parsed' && parsed.document.kind === 'RolloutPolicy' ? parsed.document : undefined;
}
