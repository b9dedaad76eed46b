// A publication folder with its keys and a real store, and the devices that read it.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type DirectiveAnswer,
  DirectiveClient,
  type DirectiveClientOptions,
} from '../../fleet-agent/src/link/directive-client.ts';
import type { Fetch } from '../../fleet-agent/src/link/directive-fetcher.ts';
import type { Clock } from '../../src/base/clock.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { digestOf } from '../../src/contract/digest.ts';
import type { Directive, DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import { FolderPublication } from '../../src/distribution/folder-publication.ts';
import type { PublicationLedger, PublishedDocument, PublishOutcome } from '../../src/distribution/publication.ts';
import { type OnlineKeys, readOnlineKeys } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, type Lifetimes } from '../../src/distribution/tuf-metadata.ts';
import { initialiseTuf } from '../../src/distribution/tuf-roots.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import type { Publication } from '../../src/store/reconciler-state.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';

export const NOW = Date.parse('2026-11-20T10:00:00Z');
export const HOUR = 3_600_000;
const LEASE = 'publication';

/** A clock that stands where the test puts it. */
export class HandClock implements Clock {
  nowMs = NOW;
  now(): number {
    return this.nowMs;
  }
  monotonicMs(): number {
    return this.nowMs;
  }
  async sleep(): Promise<void> {}
}

export function entry(over: Partial<DirectiveEntry> = {}): DirectiveEntry {
  return {
    rollout: 'invoice-ocr-eu',
    revision: 1,
    model: 'invoice-ocr',
    target: '*',
    stage: 'canary',
    cohort: { cut: BUCKETS, select: null, devices: [] },
    salt: 'salt',
    candidate: { version: '2.0.0', digest: digestOf('candidate'), parameters: {}, attempt: 1 },
    stable: { version: '1.0.0', digest: digestOf('stable'), parameters: {}, target: '*' },
    spreadMs: 0,
    emergency: false,
    ...over,
  };
}

export function directiveAt(revision: number): Directive {
  return { kind: 'Directive', entries: [entry({ revision })] };
}

export function document(text: string): PublishedDocument {
  return { digest: digestOf(text), manifest: Buffer.from(text), bundle: Buffer.from(`{"signs":"${text}"}`) };
}

/** The ledger that the reconciler makes of the store: commits only if nobody published since the observation. */
export function ledgerOf(
  store: FleetStore,
  observed: Publication,
  holder = 'one',
  leaseMs = 60_000,
): PublicationLedger {
  return {
    acquire: (nowMs) => store.acquireLease({ name: LEASE, holder, ttlMs: leaseMs, nowMs }),
    reserveVersion: (above) => store.reserveMetadataVersion(above),
    commit: (order) => store.commitPublication({ lease: LEASE, expectedSequence: observed.sequence, ...order }),
  };
}

export class PublicationWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'slipway-publication-'));
  readonly publication = path.join(this.folder, 'publication');
  readonly keysFolder = path.join(this.folder, 'keys');
  readonly storeFile = path.join(this.folder, 'fleet.db');
  readonly clock = new HandClock();
  readonly store = openSqliteFleetStore({ file: this.storeFile, clock: new SystemClock() });
  factoryRoot: Buffer = Buffer.alloc(0);
  keys!: OnlineKeys;
  #devices = 0;

  static async open(root: { readonly rootKeys?: number; readonly rootThreshold?: number } = {}) {
    const world = new PublicationWorld();
    const { keysFolder: keys, publication } = world;
    world.factoryRoot = await initialiseTuf({ keys, rootKeysFolder: keys, publication, nowMs: NOW, ...root });
    world.keys = await readOnlineKeys(keys);
    return world;
  }

  publisher(keys = this.keys, lifetimes: Lifetimes = DEFAULT_LIFETIMES): FolderPublication {
    return new FolderPublication({ folder: this.publication, keys, lifetimes });
  }

  async publish(
    directive: Directive,
    { publisher = this.publisher(), documents = [] as readonly PublishedDocument[], store = this.store } = {},
  ): Promise<PublishOutcome> {
    const ledger = ledgerOf(store, await store.readPublication());
    return publisher.publish({ directive, documents, nowMs: this.clock.now() }, ledger);
  }

  /** A device that reads over HTTP, or from the folder when no URL is given. */
  device(
    publicationUrl: string,
    over: {
      readonly stateFolder?: string;
      readonly timeoutMs?: number;
      readonly fetch?: Fetch;
      readonly onTrust?: DirectiveClientOptions['onTrust'];
      factoryRoot?: Buffer;
    } = {},
  ): Promise<DirectiveClient> {
    const stateFolder = over.stateFolder ?? path.join(this.folder, `device-${++this.#devices}`);
    return DirectiveClient.open({
      publicationUrl,
      factoryRoot: this.factoryRoot,
      clock: this.clock,
      timeoutMs: 5000,
      ...over,
      stateFolder,
    });
  }

  /** A copy of the publication folder as it is now, as a mirror or an attacker keeps it. */
  copy(name: string): string {
    const to = path.join(this.folder, name);
    mkdirSync(to, { recursive: true });
    cpSync(this.publication, to, { recursive: true });
    return to;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function refresh(client: DirectiveClient): Promise<DirectiveAnswer> {
  return client.refresh(new AbortController().signal);
}

/** The revision that an answer carries, or what kind of answer it is. */
export function answerOf(answer: DirectiveAnswer): number | string {
  if (answer.kind === 'directive') return answer.directive.entries[0]?.revision ?? 0;
  return answer.kind === 'refused' ? answer.code : answer.kind;
}
