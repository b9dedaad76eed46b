// Owns what a thief of the online TUF keys can do: publish validly signed directives of his own.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Digest, digestOf, hexOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { encodeDirective } from '../../src/contract/directive-json.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import type { OnlineKeys } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline, type VersionedFile } from '../../src/distribution/tuf-metadata.ts';

export interface EvilModel {
  readonly model: string;
  readonly version: string;
  readonly manifest: string;
  /** Null: unsigned. */
  readonly bundle: string | null;
}

/** A copy of the publication in `folder`, to be served in its place. */
export function copyPublication(publication: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  // The service goes on writing there: what it has not renamed yet is gone the next moment.
  cpSync(publication, folder, { recursive: true, filter: (file) => !file.endsWith('.tmp') });
}

/** A manifest and its signature, put where devices look for them. */
export function addEvilModel(folder: string, { manifest, bundle }: EvilModel): Digest {
  const digest = digestOf(manifest);
  const file = path.join(folder, 'manifests', `${hexOf(digest)}.yaml`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, manifest);
  if (bundle !== null) writeFileSync(`${file}.sigstore.json`, bundle);
  return digest;
}

/** An entry that sends the model to every device at once. */
export function entryForAll(rollout: string, revision: number, { model, version }: EvilModel, digest: Digest) {
  return {
    ...{ rollout, revision, model, target: '*', stage: 'full', salt: 'evil', spreadMs: 0, emergency: false },
    cohort: { cut: BUCKETS, select: null, devices: [] },
    candidate: { version, digest, attempt: 1, parameters: {} },
    stable: null,
  } satisfies DirectiveEntry;
}

/** Signs a directive and swings the pointer to it. `version` must rise from one to the next. */
export function signDirective(
  folder: string,
  version: number,
  keys: OnlineKeys,
  entries: readonly DirectiveEntry[],
  trust?: VersionedFile,
): void {
  const metadata = path.join(folder, 'metadata');
  const bytes = encodeDirective({ kind: 'Directive', entries });
  const order = { version, targets: [{ path: 'directive.json', bytes }], trust, nowMs: Date.now() };
  const online = makeOnline({ ...order, keys, lifetimes: DEFAULT_LIFETIMES });
  writeFileSync(path.join(folder, 'targets', `${hexOf(digestOf(bytes))}.directive.json`), bytes);
  if (trust !== undefined) writeFileSync(path.join(metadata, `${trust.version}.trust.json`), trust.bytes);
  writeFileSync(path.join(metadata, `${version}.targets.json`), online.targets);
  writeFileSync(path.join(metadata, `${version}.snapshot.json`), online.snapshot);
  writeFileSync(path.join(metadata, 'timestamp.json'), online.timestamp);
}
