// Owns making commits without a work tree: new blobs and the trees above them, nothing else is rewritten.
import { CodedError } from '../../base/errors.ts';
import { pathRefused } from '../git-errors.ts';
import type { CommitAuthor, CommitDraft, CommitSigner } from '../manifests-repository.ts';
import { renderCommit } from './commit-object.ts';
import type { GitObjects } from './git-objects.ts';
import { nameFault, type RawEntry, renderTree } from './tree-object.ts';

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** What changes below one folder: files by name, and folders by name. */
interface FolderChange {
  readonly files: Map<string, Uint8Array | null>;
  readonly folders: Map<string, FolderChange>;
}

function plan(changes: CommitDraft['changes']): FolderChange {
  const root: FolderChange = { files: new Map(), folders: new Map() };
  for (const [path, bytes] of changes) {
    const names = path.split('/');
    const fault = names.map(nameFault).find((found) => found !== undefined);
    if (fault !== undefined) throw pathRefused(path, fault);
    let here = root;
    for (const name of names.slice(0, -1)) {
      if (here.files.get(name) !== undefined && here.files.get(name) !== null)
        throw pathRefused(path, `${name} is written as a file too`);
      const below = here.folders.get(name) ?? { files: new Map(), folders: new Map() };
      here.folders.set(name, below);
      here = below;
    }
    here.files.set(names.at(-1) ?? '', bytes);
  }
  return root;
}

/** Writes the changed folder; returns its tree, or undefined when nothing is left in it. */
async function writeFolder(
  store: GitObjects,
  before: string | undefined,
  change: FolderChange,
  at: string,
): Promise<string | undefined> {
  const old = before === undefined ? [] : await store.readTree(before);
  const keyOf = (entry: RawEntry): string =>
    entry.rawName === undefined ? entry.name : `\0${entry.rawName.toString('hex')}`;
  const entries = new Map<string, RawEntry>(old.map((entry) => [keyOf(entry), entry]));
  for (const [name, bytes] of change.files) {
    const present = entries.get(name);
    if (present?.mode === '40000') throw pathRefused(at + name, 'it is a folder');
    if (bytes === null) {
      entries.delete(name);
      continue;
    }
    const mode = present?.mode === '100755' ? present.mode : '100644';
    entries.set(name, { name, mode, oid: await store.write('blob', bytes) });
  }
  for (const [name, below] of change.folders) {
    const present = entries.get(name);
    if (present !== undefined && present.mode !== '40000') throw pathRefused(at + name, 'it is a file, not a folder');
    const oid = await writeFolder(store, present?.oid, below, `${at}${name}/`);
    if (oid === undefined) entries.delete(name);
    else entries.set(name, { name, mode: '40000', oid });
  }
  return entries.size === 0 ? undefined : store.write('tree', renderTree([...entries.values()]));
}

/** Writes the commit durably and returns its oid; without a parent, a branch begins. Throws GIT_PATH_REFUSED, GIT_COMMIT_EMPTY. */
export async function writeCommit(
  store: GitObjects,
  draft: Omit<CommitDraft, 'parent'> & { readonly parent: string | null },
  committer: CommitAuthor,
  signer: CommitSigner | undefined,
): Promise<string> {
  const before = draft.parent === null ? undefined : (await store.readCommit(draft.parent)).tree;
  const tree =
    (await writeFolder(store, before, plan(draft.changes), '')) ?? (await store.write('tree', renderTree([])));
  if (tree === before) {
    throw new CodedError({
      code: 'GIT_COMMIT_EMPTY',
      kind: 'bug',
      message: `A commit on ${draft.parent?.slice(0, 10)} would change nothing: ${[...draft.changes.keys()].join(', ').slice(0, 200)}.`,
    });
  }
  const { parent, message, atMs, author } = draft;
  const oid = await store.write('commit', renderCommit({ tree, parent, message, atMs, author }, committer, signer));
  await store.sync();
  return oid;
}

/** What a host that has `base` lacks for `commit`: commits between, with trees and blobs that `base` does not have. */
export async function objectsBetween(
  store: GitObjects,
  base: string,
  commit: string,
  mostCommits: number,
): Promise<readonly string[]> {
  const oids = new Set<string>();
  const collect = async (tree: string, before: string | undefined): Promise<void> => {
    if (tree === before || oids.has(tree)) return;
    oids.add(tree);
    const known = new Map<string, string>();
    if (before !== undefined)
      for (const entry of await store.readTree(before)) known.set(`${entry.mode} ${entry.name}`, entry.oid);
    for (const { mode, name, oid } of await store.readTree(tree)) {
      const old = known.get(`${mode} ${name}`);
      if (old === oid || mode === '160000') continue;
      if (mode === '40000') await collect(oid, old);
      else oids.add(oid);
    }
  };
  let here = commit;
  for (let count = 0; here !== base; count++) {
    const { tree, parents } = await store.readCommit(here);
    const [parent] = parents;
    if (parent === undefined || parents.length > 1 || count >= mostCommits) {
      throw new CodedError({
        code: 'GIT_PUSH_UNRELATED',
        kind: 'bug',
        message: `Commit ${commit.slice(0, 10)} does not follow ${base.slice(0, 10)} in a straight line of at most ${mostCommits}.`,
      });
    }
    oids.add(here);
    await collect(tree, (await store.readCommit(parent)).tree);
    here = parent;
  }
  oids.delete(EMPTY_TREE);
  return [...oids];
}
