// Owns one commit of the manifests repository as documents: parsed, digested and judged, each once.
import { CodedError, toCodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import type { DocumentSource } from '../contract/source/document-source.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { DEFAULT_LAYOUT, type Layout, SETTINGS_FILE } from '../documents/repository-layout.ts';
import type { SlipwayDocument } from '../documents/slipway-document.ts';
import type { DeviceGroup, ModelDraft, Repository, Rollout, RolloutPolicy } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import { FolderCache, type FoundFile } from './folder-cache.ts';

const DOCUMENT_LIMIT_BYTES = 256 * 1024;
const BUNDLE_LIMIT_BYTES = 1024 * 1024;

/** A file that was read as a document of the kind that belongs there. */
interface ReadDocument {
  readonly path: string;
  readonly oid: string;
  /** Where its fields stand; null unless the reader keeps that. */
  readonly source: DocumentSource | null;
}

interface SignedDocument extends ReadDocument {
  readonly bundleOid: string | null;
  readonly bytes: Uint8Array;
  readonly bundle: Uint8Array | undefined;
  readonly digest: Digest;
}

/** A document that can't be used: its name comes from its path. */
export interface BrokenDocument {
  readonly kind: 'broken';
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly errors: readonly CodedError[];
}

export interface ModelDocument extends SignedDocument {
  readonly kind: 'model';
  readonly manifest: ModelManifest;
}

/** A version that is registered before its files exist. */
export interface DraftDocument extends ReadDocument {
  readonly kind: 'draft';
  readonly draft: ModelDraft;
}

export interface PolicyDocument extends SignedDocument {
  readonly kind: 'policy';
  readonly policy: RolloutPolicy;
}

export interface RolloutDocument extends ReadDocument {
  readonly kind: 'rollout';
  readonly rollout: Rollout;
  /** As it is written: edits splice it. */
  readonly text: string;
}

export interface GroupDocument extends ReadDocument {
  readonly kind: 'group';
  readonly group: DeviceGroup;
}

export interface SettingsDocument extends ReadDocument {
  readonly kind: 'settings';
  readonly settings: Repository;
}

export interface Snapshot {
  readonly commit: string;
  readonly tree: Tree;
  readonly layout: Layout;
  readonly defaultPolicy: string | null;
  readonly models: ReadonlyMap<string, ModelDocument | DraftDocument | BrokenDocument>;
  readonly policies: ReadonlyMap<string, PolicyDocument | BrokenDocument>;
  readonly rollouts: ReadonlyMap<string, RolloutDocument | BrokenDocument>;
  readonly groups: ReadonlyMap<string, GroupDocument | BrokenDocument>;
  /** Are devices that no group lists turned away? Null while nobody can tell. */
  readonly admitsListedOnly: boolean | null;
  /** The agent that devices should have at least; null where none is declared. */
  readonly agentVersion: string | null;
  /** `slipway.yaml`. Where it is missing the defaults are used; while it is broken, what it said before. */
  readonly settings: SettingsDocument | BrokenDocument | null;
  /** Object id of the `slipway.yaml` that is used; null where the defaults are. */
  readonly settingsFrom: string | null;
}

/** What of a repository a snapshot is read from: a commit, or a folder of a person. */
export type SnapshotSource = Pick<ManifestsRepository, 'readTree' | 'readBlob'>;

export interface SnapshotReaderOptions {
  /** Whoever shows errors with their places needs the syntax trees; they take more memory than all else. */
  readonly keepsSources?: boolean;
}

type Loaded<K extends SlipwayDocument['kind']> = {
  readonly kind: 'loaded';
  readonly bytes: Uint8Array;
  readonly source: DocumentSource;
  readonly document: Extract<SlipwayDocument, { kind: K }>;
};

export function misplaced(file: string, kind: string, wanted: string | null): CodedError {
  const message =
    wanted === null
      ? `This ${kind} is outside the folders of the layout, so nothing reads it.`
      : `This is a ${kind}, in a folder for documents of kind ${wanted}.`;
  const remedy = 'Move it to the folder of its kind.';
  return new CodedError({ code: 'DOCUMENT_MISPLACED', message, remedy, at: { file, line: 1, column: 1 } });
}

/** A document that nothing was read of. */
export function brokenBy(path: string, error: CodedError): BrokenDocument {
  return { kind: 'broken', path, bytes: new Uint8Array(), errors: [error] };
}

/** A link, a folder or a file of another ending in the place of the settings is no word that the defaults hold. */
function settingsInPlace({ entries, skipped }: Tree): BrokenDocument | null {
  const found = [...entries.keys(), ...skipped.keys()].find((name) => name.toLowerCase() === SETTINGS_FILE);
  if (found === undefined) return null;
  const message = `${found} is not a regular file named ${SETTINGS_FILE}, so nothing reads it.`;
  const remedy = `Put a regular file named ${SETTINGS_FILE} in its place, or delete it.`;
  const at = { file: found, line: 1, column: 1 };
  return brokenBy(SETTINGS_FILE, new CodedError({ code: 'SETTINGS_NOT_A_FILE', message, remedy, at }));
}

/** One and the same for every read, so that what is made of it is kept. */
const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();
const NO_TREE: Tree = { oid: '', entries: NOTHING, skipped: NOTHING };

/** Reads commits one after the other; what did not change between them is not read again. */
export class SnapshotReader {
  readonly #from: SnapshotSource;
  readonly #keepsSources: boolean;
  #settings: { readonly oid: string; readonly read: SettingsDocument | BrokenDocument } | undefined;
  #readable: SettingsDocument | undefined;
  readonly #models = new FolderCache((found) => this.#loadModel(found));
  readonly #policies = new FolderCache((found) => this.#loadPolicy(found));
  readonly #rollouts = new FolderCache((found) => this.#loadRollout(found));
  readonly #groups = new FolderCache((found) => this.#loadGroup(found));

  constructor(from: SnapshotSource, { keepsSources = false }: SnapshotReaderOptions = {}) {
    this.#from = from;
    this.#keepsSources = keepsSources;
  }

  async read(commit: string): Promise<Snapshot> {
    const tree = await this.#from.readTree(commit);
    const settings = await this.#readSettings(tree);
    if (settings?.kind !== 'broken') this.#readable = settings ?? undefined;
    const said = this.#saidBy(settings);
    const below = async <T>(cache: FolderCache<T>, path: string): Promise<ReadonlyMap<string, T>> => {
      const folder = findInTree(tree, path);
      return folder?.kind === 'tree' ? cache.read(path, folder.tree) : NOTHING;
    };
    return {
      ...{ commit, tree, ...said },
      models: await below(this.#models, said.layout.models),
      policies: await below(this.#policies, said.layout.policies),
      rollouts: await below(this.#rollouts, said.layout.rollouts),
      groups: await below(this.#groups, said.layout.fleet),
    };
  }

  /** A commit of which nothing can be read, as if its `slipway.yaml` were broken: what that said before and the `groups` that are remembered hold. */
  unreadable(commit: string, error: CodedError, groups: Snapshot['groups']): Snapshot {
    const settings = brokenBy(`commit ${commit.slice(0, 10)}`, error);
    const said = this.#saidBy(settings);
    return { commit, tree: NO_TREE, ...said, models: NOTHING, policies: NOTHING, rollouts: NOTHING, groups };
  }

  #saidBy(
    settings: Snapshot['settings'],
  ): Pick<Snapshot, 'layout' | 'settings' | 'defaultPolicy' | 'admitsListedOnly' | 'agentVersion' | 'settingsFrom'> {
    const spec = this.#readable?.settings.spec;
    return {
      settings,
      layout: { ...DEFAULT_LAYOUT, ...spec?.layout },
      defaultPolicy: spec?.defaults?.policy ?? null,
      admitsListedOnly: settings?.kind === 'broken' && spec === undefined ? null : spec?.fleet?.admit === 'listed',
      agentVersion: spec?.fleet?.agentVersion ?? null,
      settingsFrom: this.#readable?.oid ?? null,
    };
  }

  /** Takes what `slipway.yaml` said before this process began, until it is read. */
  async recallSettings(oid: string): Promise<void> {
    const read = await this.#loadSettings(oid);
    if (read.kind === 'settings') this.#readable = read;
  }

  /** A fleet document as it once stood there. */
  readGroup(path: string, oid: string): Promise<GroupDocument | BrokenDocument> {
    return this.#loadGroup({ path, oid, bundleOid: null });
  }

  async #readSettings(tree: Tree): Promise<Snapshot['settings']> {
    const found = tree.entries.get(SETTINGS_FILE);
    if (found?.kind !== 'blob') return settingsInPlace(tree);
    const { oid } = found;
    if (this.#settings?.oid === oid) return this.#settings.read;
    const read = await this.#loadSettings(oid);
    this.#settings = { oid, read };
    return read;
  }

  async #loadSettings(oid: string): Promise<SettingsDocument | BrokenDocument> {
    const found = { path: SETTINGS_FILE, oid };
    const loaded = await this.#load(found, ['Repository']);
    if (loaded.kind === 'broken') return loaded;
    return { kind: 'settings', settings: loaded.document, ...this.#placed(found, loaded) };
  }

  async #loadModel(found: FoundFile): Promise<ModelDocument | DraftDocument | BrokenDocument> {
    const loaded = await this.#loadSigned(found, ['ModelManifest', 'ModelDraft']);
    if (loaded.kind === 'broken') return loaded;
    const { document, signed } = loaded;
    if (document.kind === 'ModelDraft') {
      const { path, oid, source } = signed;
      return { kind: 'draft', draft: document, path, oid, source };
    }
    return { kind: 'model', manifest: document, ...signed };
  }

  async #loadPolicy(found: FoundFile): Promise<PolicyDocument | BrokenDocument> {
    const loaded = await this.#loadSigned(found, ['RolloutPolicy']);
    if (loaded.kind === 'broken') return loaded;
    return { kind: 'policy', policy: loaded.document, ...loaded.signed };
  }

  async #loadRollout(found: FoundFile): Promise<RolloutDocument | BrokenDocument> {
    const loaded = await this.#load(found, ['Rollout']);
    if (loaded.kind === 'broken') return loaded;
    const { document: rollout, source } = loaded;
    return { kind: 'rollout', rollout, text: source.text, ...this.#placed(found, loaded) };
  }

  async #loadGroup(found: FoundFile): Promise<GroupDocument | BrokenDocument> {
    const loaded = await this.#load(found, ['DeviceGroup']);
    return loaded.kind === 'broken'
      ? loaded
      : { kind: 'group', group: loaded.document, ...this.#placed(found, loaded) };
  }

  #placed({ path, oid }: Pick<FoundFile, 'path' | 'oid'>, { source }: Pick<Loaded<never>, 'source'>): ReadDocument {
    return { path, oid, source: this.#keepsSources ? source : null };
  }

  async #loadSigned<K extends SlipwayDocument['kind']>(
    found: FoundFile,
    wanted: readonly K[],
  ): Promise<(Pick<Loaded<K>, 'kind' | 'document'> & { readonly signed: SignedDocument }) | BrokenDocument> {
    const loaded = await this.#load(found, wanted);
    if (loaded.kind === 'broken') return loaded;
    const { bytes, document } = loaded;
    const { bundleOid } = found;
    const bundle = bundleOid === null ? undefined : await this.#readBundle(bundleOid);
    if (bundle instanceof CodedError) return { kind: 'broken', path: found.path, bytes, errors: [bundle] };
    const signed = { ...this.#placed(found, loaded), bundleOid, bytes, bundle, digest: digestOf(bytes) };
    return { kind: 'loaded', document, signed };
  }

  #readBundle(oid: string): Promise<Uint8Array | CodedError> {
    return this.#from.readBlob(oid, BUNDLE_LIMIT_BYTES).catch(asUnreadable);
  }

  /** One bad document never stops the others: whatever goes wrong with it is its own error. */
  async #load<K extends SlipwayDocument['kind']>(
    { path, oid }: Pick<FoundFile, 'path' | 'oid'>,
    wanted: readonly K[],
  ): Promise<Loaded<K> | BrokenDocument> {
    const bytes = await this.#from.readBlob(oid, DOCUMENT_LIMIT_BYTES).catch(asUnreadable);
    const broken = (errors: readonly CodedError[], read: Uint8Array = new Uint8Array()): BrokenDocument => {
      return { kind: 'broken', path, bytes: read, errors };
    };
    if (bytes instanceof CodedError) return broken([bytes]);
    const parsed = parseDocument(path, bytes);
    if (parsed.kind === 'broken') return broken(parsed.errors, bytes);
    const { document, source } = parsed;
    const isWanted = wanted.some((kind) => kind === document.kind);
    if (!isWanted) return broken([misplaced(path, document.kind, wanted[0] ?? null)], bytes);
    return { kind: 'loaded', bytes, source, document: document as Loaded<K>['document'] };
  }
}

function asUnreadable(thrown: unknown): CodedError {
  const error = toCodedError(thrown, 'DOCUMENT_UNREADABLE');
  if (error.kind === 'retry-later') throw error;
  return error;
}
