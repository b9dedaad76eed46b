// Owns the documents of a manifests repository as commands need them: each parsed with its place in the layout, problems included.
import { CodedError, toCodedError } from '../base/errors.ts';
import { type ParsedDocument, parseDocument } from '../documents/parse-document.ts';
import { DEFAULT_LAYOUT, type Layout } from '../documents/repository-layout.ts';
import type { SlipwayDocument } from '../documents/slipway-document.ts';
import type { Rollout } from '../documents/types.generated.ts';
import type { RepositoryFiles } from './repository-files.ts';
import { nameOfPath } from './snapshot-index.ts';

const DOCUMENT_LIMIT_BYTES = 256 * 1024;
const BUNDLE_LIMIT_BYTES = 1024 * 1024;
const BUNDLE_SUFFIX = '.sigstore.json';

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
}

const KIND_OF_FOLDER: Readonly<Record<Exclude<keyof Layout, 'evidence'>, SlipwayDocument['kind']>> = {
  models: 'ModelManifest',
  policies: 'RolloutPolicy',
  rollouts: 'Rollout',
  fleet: 'DeviceGroup',
};

function misplaced(file: string, kind: string, wanted: string | null): CodedError {
  const message =
    wanted === null
      ? `A ${kind} lies in no folder of the layout, so nothing reads it.`
      : `A ${kind} stands where a ${wanted} belongs.`;
  const remedy = 'Move it to the folder of its kind.';
  return new CodedError({ code: 'DOCUMENT_MISPLACED', message, remedy, at: { file, line: 1, column: 1 } });
}

async function readDocument(files: RepositoryFiles, file: string): Promise<FoundDocument> {
  try {
    const bytes = await files.read(file, DOCUMENT_LIMIT_BYTES);
    return { file, bytes, parsed: parseDocument(file, bytes) };
  } catch (thrown) {
    const error = toCodedError(thrown, 'DOCUMENT_UNREADABLE');
    if (error.kind === 'retry-later') throw error;
    return { file, bytes: Buffer.alloc(0), parsed: { kind: 'broken', errors: [error] } };
  }
}

/** Every document below the layout's folders, and those that lie where nothing reads them. */
export async function readDocuments(files: RepositoryFiles): Promise<FoundDocuments> {
  const documents: FoundDocument[] = [];
  const problems: CodedError[] = [];
  let layout = DEFAULT_LAYOUT;
  if (files.paths.includes('slipway.yaml')) {
    const settings = await readDocument(files, 'slipway.yaml');
    documents.push(settings);
    if (settings.parsed.kind === 'parsed') {
      const { document } = settings.parsed;
      if (document.kind === 'Repository') layout = { ...layout, ...document.spec.layout };
      else problems.push(misplaced('slipway.yaml', document.kind, 'Repository'));
    }
  }
  for (const file of files.paths) {
    if (!/\.(ya?ml|json)$/.test(file) || file.endsWith(BUNDLE_SUFFIX) || file === 'slipway.yaml') continue;
    if (file.startsWith(`${layout.evidence}/`)) continue;
    const folder = folderOf(file, layout);
    if (folder === undefined) {
      problems.push(...(await strayProblem(files, file)));
      continue;
    }
    const found = await readDocument(files, file);
    documents.push(found);
    const wanted = KIND_OF_FOLDER[folder];
    if (found.parsed.kind === 'parsed' && found.parsed.document.kind !== wanted)
      problems.push(misplaced(file, found.parsed.document.kind, wanted));
  }
  for (const { path, why } of files.skipped) {
    if (folderOf(path, layout) === undefined) continue;
    const message = `${path} is not read: ${why}.`;
    const remedy = 'Put the file itself there.';
    const at = { file: path, line: 1, column: 1 };
    problems.push(new CodedError({ code: 'DOCUMENT_SKIPPED', message, remedy, at }));
  }
  return { layout, documents, problems };
}

function folderOf(file: string, layout: Layout): keyof typeof KIND_OF_FOLDER | undefined {
  const folders = Object.keys(KIND_OF_FOLDER) as (keyof typeof KIND_OF_FOLDER)[];
  return folders.find((folder) => file.startsWith(`${layout[folder]}/`));
}

/** Other files may lie in the repository; a document of Slipway's outside the layout is most likely a mistyped folder. */
async function strayProblem(files: RepositoryFiles, file: string): Promise<CodedError[]> {
  if (file.endsWith('.json')) return [];
  const text = (await files.read(file, DOCUMENT_LIMIT_BYTES).catch(() => Buffer.alloc(0))).toString('utf8');
  if (!/^apiVersion:\s*["']?slipway\.dev\//m.test(text)) return [];
  return [misplaced(file, /^kind:\s*["']?([A-Za-z]{1,40})/m.exec(text)?.[1] ?? 'document', null)];
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
