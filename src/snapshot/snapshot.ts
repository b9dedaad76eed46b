// Owns one commit of the manifests repository as documents: parsed, digested and judged, each once.
import { CodedError, toCodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { DEFAULT_LAYOUT, type Layout } from '../documents/repository-layout.ts';
import type { DeviceGroup, Repository, Rollout, RolloutPolicy } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import { FolderCache, type FoundFile } from './folder-cache.ts';

const DOCUMENT_LIMIT_BYTES = 256 * 1024;
const BUNDLE_LIMIT_BYTES = 1024 * 1024;

/** A document that can't be used: its name comes from its path. */
export interface BrokenDocument {
  readonly kind: 'broken';
  readonly path: string;
  readonly errors: readonly CodedError[];
}

export interface ModelDocument {
  readonly kind: 'model';
  readonly path: string;
  readonly oid: string;
  readonly bundleOid: string | null;
  readonly bytes: Uint8Array;
  readonly bundle: Uint8Array | undefined;
  readonly digest: Digest;
  readonly manifest: ModelManifest;
}

export interface PolicyDocument {
  readonly kind: 'policy';
  readonly path: string;
  readonly oid: string;
  readonly bundleOid: string | null;
  readonly bytes: Uint8Array;
  readonly bundle: Uint8Array | undefined;
  readonly digest: Digest;
  readonly policy: RolloutPolicy;
}

export interface RolloutDocument {
  readonly kind: 'rollout';
  readonly path: string;
  readonly oid: string;
  readonly rollout: Rollout;
  /** As it is written: edits splice it. */
  readonly text: string;
}

export interface GroupDocument {
  readonly kind: 'group';
  readonly path: string;
  readonly group: DeviceGroup;
}

export interface Snapshot {
  readonly commit: string;
  readonly tree: Tree;
  readonly layout: Layout;
  readonly defaultPolicy: string | null;
  readonly models: ReadonlyMap<string, ModelDocument | BrokenDocument>;
  readonly policies: ReadonlyMap<string, PolicyDocument | BrokenDocument>;
  readonly rollouts: ReadonlyMap<string, RolloutDocument | BrokenDocument>;
  readonly groups: ReadonlyMap<string, GroupDocument | BrokenDocument>;
  /** Problems of `slipway.yaml` itself; the defaults are used then. */
  readonly problems: readonly CodedError[];
}

function wrongKind(path: string, kind: string, wanted: string): BrokenDocument {
  const error = new CodedError({
    code: 'DOCUMENT_MISPLACED',
    message: `A ${kind} stands where a ${wanted} belongs.`,
    remedy: 'Move it to the folder of its kind.',
    at: { file: path, line: 1, column: 1 },
  });
  return { kind: 'broken', path, errors: [error] };
}

type SettingsRead = Pick<Snapshot, 'layout' | 'defaultPolicy' | 'problems'>;

/** One and the same for every read, so that what is made of it is kept. */
const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

/** Settings that can't be read are a problem to show; the documents are where they are by default. */
function unreadableSettings(thrown: unknown): SettingsRead {
  const error = toCodedError(thrown, 'DOCUMENT_UNREADABLE');
  if (error.kind === 'retry-later') throw error;
  return { layout: DEFAULT_LAYOUT, defaultPolicy: null, problems: [error] };
}

/** Reads commits one after the other; what did not change between them is not read again. */
export class SnapshotReader {
  readonly #repository: ManifestsRepository;
  #settings: { readonly oid: string; readonly read: SettingsRead } | undefined;
  readonly #models = new FolderCache((found) => this.#guarded(found, () => this.#loadModel(found)));
  readonly #policies = new FolderCache((found) => this.#guarded(found, () => this.#loadPolicy(found)));
  readonly #rollouts = new FolderCache((found) => this.#guarded(found, () => this.#loadRollout(found)));
  readonly #groups = new FolderCache((found) => this.#guarded(found, () => this.#loadGroup(found)));

  constructor(repository: ManifestsRepository) {
    this.#repository = repository;
  }

  async read(commit: string): Promise<Snapshot> {
    const tree = await this.#repository.readTree(commit);
    const { layout, defaultPolicy, problems } = await this.#readSettings(tree);
    const below = async <T>(cache: FolderCache<T>, path: string): Promise<ReadonlyMap<string, T>> => {
      const folder = findInTree(tree, path);
      return folder?.kind === 'tree' ? cache.read(path, folder.tree) : NOTHING;
    };
    return {
      commit,
      tree,
      layout,
      defaultPolicy,
      problems,
      models: await below(this.#models, layout.models),
      policies: await below(this.#policies, layout.policies),
      rollouts: await below(this.#rollouts, layout.rollouts),
      groups: await below(this.#groups, layout.fleet),
    };
  }

  async #readSettings(tree: Tree): Promise<SettingsRead> {
    const settings = tree.entries.get('slipway.yaml');
    if (settings?.kind !== 'blob') return { layout: DEFAULT_LAYOUT, defaultPolicy: null, problems: [] };
    if (this.#settings?.oid === settings.oid) return this.#settings.read;
    const read = await this.#parseSettings(settings.oid).catch(unreadableSettings);
    this.#settings = { oid: settings.oid, read };
    return read;
  }

  async #parseSettings(oid: string): Promise<SettingsRead> {
    const bytes = await this.#repository.readBlob(oid, DOCUMENT_LIMIT_BYTES);
    const parsed = parseDocument('slipway.yaml', bytes);
    if (parsed.kind === 'broken') return { layout: DEFAULT_LAYOUT, defaultPolicy: null, problems: parsed.errors };
    if (parsed.document.kind !== 'Repository') {
      const broken = wrongKind('slipway.yaml', parsed.document.kind, 'Repository');
      return { layout: DEFAULT_LAYOUT, defaultPolicy: null, problems: broken.errors };
    }
    const { spec }: Repository = parsed.document;
    const layout = { ...DEFAULT_LAYOUT, ...spec?.layout };
    return { layout, defaultPolicy: spec?.defaults?.policy ?? null, problems: [] };
  }

  /** One bad document never stops the others: whatever goes wrong with it is its own error. */
  async #guarded<T>(found: FoundFile, load: () => Promise<T | BrokenDocument>): Promise<T | BrokenDocument> {
    try {
      return await load();
    } catch (error) {
      const coded = toCodedError(error, 'DOCUMENT_UNREADABLE');
      if (coded.kind === 'retry-later') throw coded;
      return { kind: 'broken', path: found.path, errors: [coded] };
    }
  }

  async #loadModel(found: FoundFile): Promise<ModelDocument | BrokenDocument> {
    const bytes = await this.#repository.readBlob(found.oid, DOCUMENT_LIMIT_BYTES);
    const parsed = parseDocument(found.path, bytes);
    if (parsed.kind === 'broken') return { kind: 'broken', path: found.path, errors: parsed.errors };
    const { document } = parsed;
    if (document.kind !== 'ModelManifest') return wrongKind(found.path, document.kind, 'ModelManifest');
    const bundle = await this.#readBundle(found);
    return { kind: 'model', ...found, bytes, bundle, digest: digestOf(bytes), manifest: document };
  }

  async #loadPolicy(found: FoundFile): Promise<PolicyDocument | BrokenDocument> {
    const bytes = await this.#repository.readBlob(found.oid, DOCUMENT_LIMIT_BYTES);
    const parsed = parseDocument(found.path, bytes);
    if (parsed.kind === 'broken') return { kind: 'broken', path: found.path, errors: parsed.errors };
    const { document } = parsed;
    if (document.kind !== 'RolloutPolicy') return wrongKind(found.path, document.kind, 'RolloutPolicy');
    const bundle = await this.#readBundle(found);
    return { kind: 'policy', ...found, bytes, bundle, digest: digestOf(bytes), policy: document };
  }

  async #loadRollout(found: FoundFile): Promise<RolloutDocument | BrokenDocument> {
    const bytes = await this.#repository.readBlob(found.oid, DOCUMENT_LIMIT_BYTES);
    const parsed = parseDocument(found.path, bytes);
    if (parsed.kind === 'broken') return { kind: 'broken', path: found.path, errors: parsed.errors };
    const { document, source } = parsed;
    if (document.kind !== 'Rollout') return wrongKind(found.path, document.kind, 'Rollout');
    return { kind: 'rollout', path: found.path, oid: found.oid, rollout: document, text: source.text };
  }

  async #loadGroup(found: FoundFile): Promise<GroupDocument | BrokenDocument> {
    const bytes = await this.#repository.readBlob(found.oid, DOCUMENT_LIMIT_BYTES);
    const parsed = parseDocument(found.path, bytes);
    if (parsed.kind === 'broken') return { kind: 'broken', path: found.path, errors: parsed.errors };
    const { document } = parsed;
    if (document.kind !== 'DeviceGroup') return wrongKind(found.path, document.kind, 'DeviceGroup');
    return { kind: 'group', path: found.path, group: document };
  }

  async #readBundle(found: FoundFile): Promise<Uint8Array | undefined> {
    return found.bundleOid === null ? undefined : this.#repository.readBlob(found.bundleOid, BUNDLE_LIMIT_BYTES);
  }
}
