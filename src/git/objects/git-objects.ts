// Owns what commits, trees and history need of an object store, wherever it keeps its objects.
import type { CommitFacts } from '../manifests-repository.ts';
import type { RawEntry } from './tree-object.ts';

export type ObjectType = 'blob' | 'tree' | 'commit';

export interface GitObjects {
  /** The object's bytes. Throws GIT_OBJECT_MISSING, GIT_OBJECT_CORRUPT when damaged, GIT_OBJECT_TYPE when of another type. */
  read(oid: string, type: ObjectType): Promise<Buffer>;
  readTree(oid: string): Promise<readonly RawEntry[]>;
  readCommit(oid: string): Promise<CommitFacts>;
  /** Writes one object; returns its oid. */
  write(type: ObjectType, object: Uint8Array): Promise<string>;
  /** Makes what was written survive a power cut. */
  sync(): Promise<void>;
}
