// Owns one walk along a publication's chain of signatures: roots, timestamp, snapshot, targets, each checked against the one before.
import type { MetaFile, TargetFile } from '@tufjs/models';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { DIRECTIVE_TARGET } from '../directive.ts';
import { TRUST_METADATA } from './trust-role.ts';
import type { Floor } from './trusted-state.ts';
import { refusing, TufRefusal } from './tuf-refusal.ts';

type Root = TrustedMetadataStore['root']['signed'];

/**
 * tuf-js checks signatures, hashes, versions and dates; this adds the floor. Its own `Updater` is not used because it writes its files in
 * place (half a root.json stops it for good), asks the system's clock, and keeps the floor after a rotation that must lower it.
 */
export class TrustedChain {
  readonly #store: TrustedMetadataStore;
  #floor: Floor;
  /** Versions that the snapshot accepted last names, by file. */
  #named: ReadonlyMap<string, number>;

  /** `snapshot`: the one accepted last, if any. Throws TufRefusal when the root is none. */
  constructor(root: Buffer, floor: Floor, nowMs: number, snapshot?: string) {
    this.#store = refusing('The trusted root', 'its own keys', () => new TrustedMetadataStore(root));
    // Private there, and the system's time otherwise; a test notices when the name changes.
    Object.assign(this.#store, { referenceTime: new Date(nowMs) });
    this.#floor = floor;
    this.#named = snapshot === undefined ? new Map() : namedBy(snapshot);
  }

  /** The versions below which nothing is accepted. */
  get floor(): Floor {
    return this.#floor;
  }

  get rootVersion(): number {
    return this.#store.root.signed.version;
  }

  /** Takes the next root: signed by enough keys of the present one and of its own (TUF 5.3). */
  takeRoot(bytes: Buffer): void {
    const before = this.#store.root.signed;
    refusing(`${before.version + 1}.root.json`, `the keys of root ${before.version} and its own`, () =>
      this.#store.updateRoot(bytes),
    );
    const after = this.#store.root.signed;
    if (after.version <= this.#floor.root) return;
    // Whoever stole an online key may have signed the highest version there is; its withdrawal begins anew (TUF 5.3.11).
    const isNew = keysOf(before, 'timestamp') !== keysOf(after, 'timestamp');
    const isAnew = isNew || keysOf(before, 'snapshot') !== keysOf(after, 'snapshot');
    if (isAnew) this.#named = new Map();
    this.#floor = isAnew
      ? { root: after.version, timestamp: 0, snapshot: 0, targets: 0 }
      : { ...this.#floor, root: after.version };
  }

  /** Takes the pointer; returns what it says of the snapshot. */
  takeTimestamp(bytes: Buffer): MetaFile {
    const file = 'timestamp.json';
    // A device that lost its newest root must find it again before it listens to keys that it withdrew.
    assertNotBelow('The newest root of the publication', this.rootVersion, this.#floor.root);
    const { signed } = refusing(file, this.#signer(), () => this.#store.updateTimestamp(bytes));
    assertNotBelow(file, signed.version, this.#floor.timestamp);
    assertNotBelow('The snapshot that timestamp.json names', signed.snapshotMeta.version, this.#floor.snapshot);
    return signed.snapshotMeta;
  }

  /** Takes the snapshot; returns what it says of the targets. */
  takeSnapshot(bytes: Buffer): MetaFile {
    const file = 'snapshot.json';
    const { signed } = refusing(file, this.#signer(), () => this.#store.updateSnapshot(bytes));
    const meta = signed.meta['targets.json'];
    if (meta === undefined) throw new TufRefusal('TUF_OTHER', `${file} names no targets.json.`);
    for (const [name, version] of this.#named) {
      const now = signed.meta[name]?.version;
      if (now === undefined) throw new TufRefusal('TUF_ROLLBACK', `${file} no longer names ${name}: someone hides it.`);
      assertNotBelow(`The ${name} that ${file} names`, now, name === 'targets.json' ? 0 : version);
    }
    assertNotBelow('The targets.json that snapshot.json names', meta.version, this.#floor.targets);
    return meta;
  }

  /** Takes the targets; returns what they say of the directive. */
  takeTargets(bytes: Buffer): TargetFile {
    refusing('targets.json', this.#signer(), () => this.#store.updateDelegatedTargets(bytes, 'targets', 'root'));
    const target = this.#store.targets?.signed.targets[DIRECTIVE_TARGET];
    if (target === undefined) throw new TufRefusal('TUF_OTHER', 'The publication holds no directive.');
    return target;
  }

  /** The floor by what this walk has proven so far, role by role, also when it breaks off here. */
  proven(): Floor {
    const reached = this.reached();
    return {
      root: reached.root,
      timestamp: Math.max(this.#floor.timestamp, reached.timestamp),
      snapshot: Math.max(this.#floor.snapshot, reached.snapshot),
      targets: Math.max(this.#floor.targets, reached.targets),
    };
  }

  /** The floor that this walk reaches, once all of it was taken. */
  reached(): Floor {
    const { root, timestamp, snapshot, targets } = this.#store;
    return {
      root: root.signed.version,
      timestamp: timestamp?.signed.version ?? 0,
      snapshot: snapshot?.signed.version ?? 0,
      targets: targets?.signed.version ?? 0,
    };
  }

  /** Names the keys that may sign directives: ids, sorted. */
  signers(): string {
    return keysOf(this.#store.root.signed, 'targets');
  }

  /** When the first signature of the walk ends, milliseconds since 1970. */
  validUntilMs(): number {
    const { root, timestamp, snapshot, targets } = this.#store;
    const all = [root, timestamp, snapshot, targets].map((one) => Date.parse(one?.signed.expires ?? ''));
    return Math.min(...all);
  }

  #signer(): string {
    return `the key that root ${this.rootVersion} names`;
  }
}

/** A text that was verified when it was accepted. */
function namedBy(snapshot: string): ReadonlyMap<string, number> {
  const { signed } = JSON.parse(snapshot) as { signed: { meta: Readonly<Record<string, { version: number }>> } };
  // The trust policy proves its own version, and one that is held back stops no directive.
  const others = Object.entries(signed.meta).filter(([name]) => name !== TRUST_METADATA);
  return new Map(others.map(([name, { version }]) => [name, version]));
}

function keysOf(root: Root, role: string): string {
  return [...(root.roles[role]?.keyIDs ?? [])].sort().join();
}

function assertNotBelow(what: string, version: number, floor: number): void {
  if (version >= floor) return;
  const reason = `${what} has version ${version}, below ${floor}, which was accepted before: someone serves an old version.`;
  throw new TufRefusal('TUF_ROLLBACK', reason);
}
