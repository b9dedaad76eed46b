// Owns the documents of a manifests repository as commands show them: those of the snapshot with their places, and the files that nothing reads.
import { CodedError } from '../base/errors.ts';
import type { ParsedDocument } from '../documents/parse-document.ts';
import { type Layout, nameOfPath, SETTINGS_FILE } from '../documents/repository-layout.ts';
import type { SlipwayDocument } from '../documents/slipway-document.ts';
import type { Rollout } from '../documents/types.generated.ts';
import type { Tree, TreeChild } from '../git/manifests-repository.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { BUNDLE_SUFFIX, isDocument } from './folder-cache.ts';
import { misplaced, type Snapshot, SnapshotReader, type SnapshotSource } from './snapshot.ts';
import { warnOfMissing } from './warn-of-missing.ts';

const DOCUMENT_LIMIT_BYTES = 256 * 1024;
const BUNDLE_LIMIT_BYTES = 1024 * 1024;

export interface FoundDocument {
  readonly file: string;
  readonly bytes: Buffer;
  readonly parsed: ParsedDocument;
}

export interface FoundDocuments {
  readonly layout: Layout;
  readonly documents: readonly FoundDocument[];
  /** Problems of where files lie. */
  readonly problems: readonly CodedError[];
  /** Rollouts that the service would miss. */
  readonly warnings: readonly CodedError[];
}

interface FilesTree extends Tree {
  readonly entries: Map<string, TreeChild>;
}

/** Files as a tree: each is its own object, named by its path. */
function sourceOf(files: RepositoryFiles): SnapshotSource {
  const folder = (oid: string): FilesTree => ({ oid, entries: new Map(), skipped: new Map() });
  const root = folder('');
  const folders = new Map([['', root]]);
  const folderAt = (path: string): FilesTree => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const made = folder(path);
    folders.set(path, made);
    folderAt(path.slice(0, Math.max(0, path.lastIndexOf('/')))).entries.set(nameIn(path), { kind: 'tree', tree: made });
    return made;
  };
  for (const path of files.paths)
    folderAt(path.slice(0, Math.max(0, path.lastIndexOf('/')))).entries.set(nameIn(path), { kind: 'blob', oid: path });
  return { readTree: async () => root, readBlob: (path, limitBytes) => files.read(path, limitBytes) };
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

type AnyDocument =
  | NonNullable<Snapshot['settings']>
  | MapValue<Snapshot['models' | 'policies' | 'rollouts' | 'groups']>;
type MapValue<M> = M extends ReadonlyMap<string, infer V> ? V : never;

function contentOf(one: Exclude<AnyDocument, { kind: 'broken' }>): SlipwayDocument {
  switch (one.kind) {
    case 'model':
      return one.manifest;
    case 'draft':
      return one.draft;
    case 'policy':
      return one.policy;
    case 'rollout':
      return one.rollout;
    case 'group':
      return one.group;
    case 'settings':
      return one.settings;
  }
}

function foundDocument(one: AnyDocument): FoundDocument[] {
  const { path: file } = one;
  if (one.kind === 'broken')
    return [{ file, bytes: Buffer.from(one.bytes), parsed: { kind: 'broken', errors: one.errors } }];
  const { source } = one;
  if (source === null) return [];
  const bytes = 'bytes' in one ? Buffer.from(one.bytes) : Buffer.from(source.text);
  return [{ file, bytes, parsed: { kind: 'parsed', document: contentOf(one), source } }];
}

/** Every document below the layout's folders as the service reads it, and those that lie where nothing reads them. */
export async function readDocuments(files: RepositoryFiles): Promise<FoundDocuments> {
  const snapshot = await new SnapshotReader(sourceOf(files), { keepsSources: true }).read('');
  const { layout, settings, models, policies, rollouts, groups } = snapshot;
  const all = [
    ...(settings === null ? [] : [settings]),
    ...[models, policies, rollouts, groups].flatMap((documents): AnyDocument[] => [...documents.values()]),
  ];
  const strays = await Promise.all(
    files.paths.filter((file) => isStray(file, layout)).map((file) => strayProblem(files, file)),
  );
  return {
    layout,
    documents: all.flatMap(foundDocument),
    problems: [...strays.flat(), ...skippedProblems(files, layout)],
    warnings: await warnOfMissing(files, snapshot),
  };
}

function isBelow(file: string, { models, policies, rollouts, fleet }: Layout): boolean {
  return [models, policies, rollouts, fleet].some((folder) => `${file}/`.startsWith(`${folder}/`));
}

function isStray(file: string, layout: Layout): boolean {
  return (
    isDocument(file) && file !== 'slipway.yaml' && !file.startsWith(`${layout.evidence}/`) && !isBelow(file, layout)
  );
}

/** Other files may lie in the repository; a document of Slipway's outside the layout is most likely a mistyped folder. */
async function strayProblem(files: RepositoryFiles, file: string): Promise<CodedError[]> {
  if (file.endsWith('.json')) return [];
  const text = (await files.read(file, DOCUMENT_LIMIT_BYTES).catch(() => Buffer.alloc(0))).toString('utf8');
  if (!/^apiVersion:\s*["']?slipway\.dev\//m.test(text)) return [];
  return [misplaced(file, /^kind:\s*["']?([A-Za-z]{1,40})/m.exec(text)?.[1] ?? 'document', null)];
}

function skippedProblems({ skipped }: RepositoryFiles, layout: Layout): CodedError[] {
  return skipped
    .filter(({ path }) => path === SETTINGS_FILE || isBelow(path, layout))
    .map(({ path, why }) => {
      const message = `${path} is ignored: ${why}.`;
      const remedy = 'Replace it with a regular file.';
      return new CodedError({ code: 'DOCUMENT_SKIPPED', message, remedy, at: { file: path, line: 1, column: 1 } });
    });
}

/** The signature that lies beside a document. */
export async function readSignature(files: RepositoryFiles, file: string): Promise<Buffer | undefined> {
  const bundle = file + BUNDLE_SUFFIX;
  return files.paths.includes(bundle) ? files.read(bundle, BUNDLE_LIMIT_BYTES) : undefined;
}

export interface FoundRollout {
  readonly file: string;
  readonly bytes: Buffer;
  readonly rollout: Rollout;
}

/** Rollouts of the repository that can be read, and those that can't by the name that their path gives them. */
export function rolloutsOf({ documents, layout }: FoundDocuments): {
  readonly rollouts: readonly FoundRollout[];
  readonly broken: readonly { readonly name: string; readonly errors: readonly CodedError[] }[];
} {
  const below = documents.filter(({ file }) => file.startsWith(`${layout.rollouts}/`));
  const rollouts = below.flatMap(({ file, bytes, parsed }) =>
    parsed.kind === 'parsed' && parsed.document.kind === 'Rollout' ? [{ file, bytes, rollout: parsed.document }] : [],
  );
  const broken = below.flatMap(({ file, parsed }) =>
    parsed.kind === 'broken' ? [{ name: nameOfPath(file), errors: parsed.errors }] : [],
  );
  return { rollouts, broken };
}
