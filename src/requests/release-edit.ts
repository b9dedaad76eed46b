// Owns what a release changes in a repository: the manifest under the next sequence, and the rollouts that shall ask for its version.
import { CodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import { isVersionRange } from '../contract/model-version.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import { spliceSequence } from '../documents/edit-manifest.ts';
import { spliceSpec } from '../documents/edit-rollout.ts';
import { bomBeside } from '../documents/ml-bom.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { parseDocumentOf } from '../documents/parse-document-of.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { DOCUMENT_LIMIT_BYTES, findRollout, manifestsOf, parseRollout, readLayout } from './find-rollout.ts';

export interface ReleaseWish {
  /** Path of the manifest from the root of the repository, and of the signature beside it. */
  readonly file: string;
  readonly bundle: string;
  /** The manifest; null where the repository has it. */
  readonly text: string | null;
  /** The bill of materials that the manifest names, to lie beside it; null where there is none, or the repository has it. */
  readonly bom: string | null;
  /** Rollouts that shall ask for the version. */
  readonly rollouts: readonly string[];
}

/** Why a rollout stays as it is. */
export type LeftBecause =
  | 'asks-for-it'
  /** With `latest` or a range, the rollout finds the version by itself. */
  | 'finds-it'
  /** It asks for a version that was released later. */
  | 'asks-for-later'
  | 'rejected-it';

export type RolloutStep =
  | { readonly kind: 'set'; readonly rollout: string; readonly from: string }
  | { readonly kind: 'left'; readonly rollout: string; readonly asksFor: string; readonly because: LeftBecause };

export interface ChangedFile {
  readonly file: string;
  /** Null where there was none. */
  readonly before: string | null;
  readonly after: string;
}

export interface ReleaseEdit {
  readonly model: string;
  readonly version: string;
  readonly sequence: number;
  readonly digest: Digest;
  readonly manifest: Buffer;
  /** The repository has exactly this manifest, with a signature. */
  readonly isReleased: boolean;
  readonly rollouts: readonly RolloutStep[];
  /** Without the signature. */
  readonly changed: readonly ChangedFile[];
}

/** A version of the model that is released, or about to be. */
type Known = Pick<ModelManifest['metadata'], 'name' | 'version' | 'sequence'>;

function refuse(code: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy });
}

/** Throws RELEASE_…, ROLLOUT_UNKNOWN, and what is wrong with a document that the release edits. */
export async function editForRelease(files: RepositoryFiles, wish: ReleaseWish): Promise<ReleaseEdit> {
  const { file, bundle } = wish;
  const found = files.paths.includes(file) ? await readText(files, file) : null;
  // A release takes the place of a draft.
  const present = found === null || isDraft(file, found) ? null : found;
  const given = wish.text ?? present;
  if (given === null)
    throw refuse(
      'RELEASE_MANIFEST_MISSING',
      `There is no ${file}: neither here nor in the repository.`,
      'Pass the files of the model, from which the manifest is made, or write the manifest with `slipway package`.',
    );
  const { name: model } = parseDocumentOf('ModelManifest', file, Buffer.from(given)).metadata;
  const versions = await versionsOf(files, model, file);
  const isSigned = present !== null && files.paths.includes(bundle);
  const text = isSigned ? present : numbered(given, present, versions);
  if (present !== null && !isSame(present, given)) throw versionExists(file, isSigned);
  const manifest = parseDocumentOf('ModelManifest', file, Buffer.from(text));
  const { version, sequence = 0 } = manifest.metadata;
  const steps = await stepsOf(files, wish.rollouts, { manifest, versions, digest: digestOf(text) });
  const changedManifest = text === present ? [] : [{ file, before: found, after: text }];
  return {
    ...{ model, version, sequence, digest: digestOf(text), manifest: Buffer.from(text), isReleased: isSigned },
    rollouts: steps.map(({ step }) => step),
    changed: [...changedManifest, ...(await changedBom(files, wish)), ...steps.flatMap(({ changed }) => changed)],
  };
}

async function changedBom(files: RepositoryFiles, { file, bom }: ReleaseWish): Promise<ChangedFile[]> {
  if (bom === null) return [];
  const beside = bomBeside(file);
  const before = files.paths.includes(beside) ? await readText(files, beside) : null;
  return before === bom ? [] : [{ file: beside, before, after: bom }];
}

async function readText(files: RepositoryFiles, file: string): Promise<string> {
  return (await files.read(file, DOCUMENT_LIMIT_BYTES)).toString('utf8');
}

function isDraft(file: string, text: string): boolean {
  const parsed = parseDocument(file, Buffer.from(text), { isCopy: true });
  return parsed.kind === 'parsed' && parsed.document.kind === 'ModelDraft';
}

function sequenceOf(text: string): number | undefined {
  return parseDocumentOf('ModelManifest', 'the manifest', Buffer.from(text)).metadata.sequence;
}

/** The sequence is the repository's: it may differ from the one that a manifest was given elsewhere. */
function isSame(present: string, given: string): boolean {
  const sequence = sequenceOf(present);
  if (present === given || sequence === undefined) return present === given;
  return spliceSequence(given, sequence) === present;
}

/** A sequence above that of every other version, which may have been taken since this one was given. */
function numbered(given: string, present: string | null, versions: readonly Known[]): string {
  const highest = Math.max(0, ...versions.map(({ sequence = 0 }) => sequence));
  const text = present !== null && isSame(present, given) ? present : given;
  return (sequenceOf(text) ?? 0) > highest ? text : spliceSequence(text, highest + 1);
}

function versionExists(file: string, isSigned: boolean): CodedError {
  const message = `${file} is in the repository already, and says something else.`;
  const other = 'Versions never change: release this one under another version';
  return refuse(
    'RELEASE_EXISTS',
    message,
    isSigned ? `${other}.` : `${other}, or remove the manifest, which nobody signed.`,
  );
}

/** The other versions of the model. One that can't be read is left out: `slipway validate` shows what is wrong with it. */
async function versionsOf(files: RepositoryFiles, model: string, own: string): Promise<Known[]> {
  const versions: Known[] = [];
  for (const file of manifestsOf(files, await readLayout(files), model)) {
    if (file === own) continue;
    const parsed = parseDocument(file, await files.read(file, DOCUMENT_LIMIT_BYTES), { isCopy: true });
    if (parsed.kind === 'broken' || parsed.document.kind !== 'ModelManifest') continue;
    if (parsed.document.metadata.name === model) versions.push(parsed.document.metadata);
  }
  return versions;
}

interface Released {
  readonly manifest: ModelManifest;
  readonly digest: Digest;
  readonly versions: readonly Known[];
}

async function stepsOf(files: RepositoryFiles, names: readonly string[], released: Released) {
  const steps: { readonly step: RolloutStep; readonly changed: readonly ChangedFile[] }[] = [];
  for (const rollout of new Set(names)) {
    const found = await findRollout(files, rollout);
    const because = reasonToLeave(found.rollout, released);
    const asksFor = found.rollout.spec.version;
    if (because !== null) {
      steps.push({ step: { kind: 'left', rollout, asksFor, because }, changed: [] });
      continue;
    }
    const { file, text: before } = found;
    const after = spliceSpec(before, { version: released.manifest.metadata.version });
    parseRollout(file, Buffer.from(after));
    steps.push({ step: { kind: 'set', rollout, from: asksFor }, changed: [{ file, before, after }] });
  }
  return steps;
}

/** Null when the rollout is to be set. A job that runs again must not take a rollout back to its old version. */
function reasonToLeave(
  { metadata, spec, status }: Awaited<ReturnType<typeof findRollout>>['rollout'],
  { manifest, digest, versions }: Released,
): LeftBecause | null {
  const { name: model, version, sequence = 0 } = manifest.metadata;
  if (spec.model !== model)
    throw refuse(
      'RELEASE_OTHER_MODEL',
      `Rollout ${metadata.name} is about ${spec.model}, not ${model}.`,
      `Pass a rollout of ${model} with --set.`,
    );
  if (spec.version === version) return 'asks-for-it';
  if (spec.version === 'latest' || isVersionRange(spec.version)) return 'finds-it';
  if (status?.rejected.some((one) => one.digest === digest)) return 'rejected-it';
  const present = versions.find((one) => one.version === spec.version);
  return present !== undefined && (present.sequence ?? 0) > sequence ? 'asks-for-later' : null;
}
